"""Drawings: charts as values, of marks and lines at pixels; templates say how they look."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Literal

import attrs

from evoframe.report.page.scales import Scale

TONES = 9
"""How many steps the colours of values have, from pale to full."""

Shape = Literal["dot", "square", "cross", "diamond", "ring"]


@attrs.frozen
class Mark:
    """Something at a place of a chart.

    Attributes:
        x, y: where, in pixels.
        shape: which form it has.
        tone: its class in the style sheet: ``q0`` to ``q8`` for values, else a word.
        title: what a tool tip says.
        size: half of its width.
    """

    x: float
    y: float
    shape: Shape
    tone: str
    title: str
    size: float = 4.0


@attrs.frozen
class Cell:
    """A filled rectangle.

    Attributes:
        x, y: its left upper corner, in pixels.
        width, height: its size.
        tone: its class in the style sheet.
        title: what a tool tip says.
    """

    x: float
    y: float
    width: float
    height: float
    tone: str
    title: str


@attrs.frozen
class Line:
    """A line through places.

    Attributes:
        path: what SVG draws, of numbers alone.
        tone: its class in the style sheet.
        title: what a tool tip says; none if empty.
    """

    path: str
    tone: str
    title: str = ""


@attrs.frozen
class Text:
    """A word at a place.

    Attributes:
        x, y: where, in pixels.
        words: what it says.
        anchor: which end of it lies there.
        tone: its class in the style sheet.
    """

    x: float
    y: float
    words: str
    anchor: Literal["start", "middle", "end"] = "start"
    tone: str = "label"


@attrs.frozen
class Axis:
    """An axis along one side of a chart.

    Attributes:
        label: what is measured, with its unit.
        ticks: places in pixels, and what stands there.
    """

    label: str
    ticks: tuple[tuple[float, str], ...]

    @classmethod
    def of(cls, label: str, scale: Scale, words: Callable[[float], str], *, most: int = 6) -> Axis:
        """Return an axis with about so many ticks, which say their values in words."""
        return cls(label, tuple((scale(value), words(value)) for value in scale.ticks(most)))


@attrs.frozen
class Chart:
    """A drawing with axes.

    Attributes:
        name: unique on the page; letters and hyphens.
        title: what it shows, for people who do not see it.
        about: what is to be seen in it, for them as well.
        width, height: in pixels.
        box: left, top, right and bottom of the part between the axes.
        x, y: the axes.
        cells, lines, marks, texts: what is drawn, in this order.
        grid: whether ticks have lines across.
    """

    name: str
    title: str
    about: str
    width: float
    height: float
    box: tuple[float, float, float, float]
    x: Axis
    y: Axis
    cells: Sequence[Cell] = ()
    lines: Sequence[Line] = ()
    marks: Sequence[Mark] = ()
    texts: Sequence[Text] = ()
    grid: bool = True

    @property
    def groups(self) -> list[list[Mark]]:
        """The marks in their order, those of one tone that follow each other together."""
        return [list(several) for _, several in groupby(self.marks, key=lambda one: one.tone)]


def polyline(points: Sequence[tuple[float, float]]) -> str:
    """Return the path through points."""
    return "M" + " L".join(f"{x:g},{y:g}" for x, y in points)


def stairs(points: Sequence[tuple[float, float]]) -> str:
    """Return the path through points that first goes along x, then along y."""
    (x, y), *rest = points
    steps = "".join(f" V{after[1]:g} H{after[0]:g}" for after in rest)
    return f"M{x:g},{y:g}{steps}"


def curve(start: tuple[float, float], end: tuple[float, float]) -> str:
    """Return a path from left to right that leaves and arrives level."""
    (x, y), (u, v) = start, end
    middle = round((x + u) / 2, 1)
    return f"M{x:g},{y:g}C{middle:g},{y:g} {middle:g},{v:g} {u:g},{v:g}"


def tone(value: float, low: float, high: float, *, maximise: bool = True) -> str:
    """Return the class of a value's colour: full for the best, pale for the worst."""
    share = 1.0 if high == low else (value - low) / (high - low)
    share = share if maximise else 1.0 - share
    return f"q{min(max(round(share * (TONES - 1)), 0), TONES - 1)}"
