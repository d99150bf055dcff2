"""What was given for what: the metric against sizes, with the Pareto front."""

from __future__ import annotations

import math
from collections.abc import Sequence

import attrs

from evoframe.kernel.individual import Individual
from evoframe.kernel.sizes import HEADLINES
from evoframe.report.page.drawing import Axis, Chart, Line, Mark, Text, polyline, stairs, tone
from evoframe.report.page.facts import Facts
from evoframe.report.page.points import Point, batch_of, of_baselines, pareto, points_of
from evoframe.report.page.scales import Scale, linear, logarithmic
from evoframe.report.page.words import (
    factor,
    measured,
    tick_of_factor,
    tick_of_metric,
)

MOST = 300
"""From how many individuals on marks stand for several."""

FINEST = (36, 28)
"""Cells along x and y, each with one mark, where marks stand for several."""

SIZES = ("parameters", "flops", "latency")
"""What has a chart; synapses are in the table, and save neither memory nor time by themselves."""

WIDTH, HEIGHT = 360.0, 264.0
BOX = (52.0, 14.0, 350.0, 226.0)


@attrs.frozen
class Trade:
    """The charts of a run, and what is to be said where there is none.

    Attributes:
        charts: one for each size.
        notes: sentences.
        front: rows of those than whom nobody is better and smaller, in FLOPs or parameters.
        front_of: of which size.
    """

    charts: tuple[Chart, ...]
    notes: tuple[str, ...]
    front: tuple[tuple[str, str, str, str], ...]
    front_of: str


def trade(facts: Facts) -> Trade:
    """Return the metric against each size that is on record."""
    charts, fronts = [], {}
    for name in SIZES:
        points = points_of(facts, name)
        if len(points) > 1:
            charts.append(_chart(facts, name, points))
            fronts[name] = pareto(points, maximise=facts.metric.maximise)
    of = "flops" if "flops" in fronts else next(iter(fronts), "")
    front = fronts.get(of, []) if facts.knows_better else []
    rows = tuple(_row(facts, point) for point in front)
    return Trade(tuple(charts), tuple(_notes(facts, fronts)), rows, HEADLINES.get(of, of))


# --- the drawing ------------------------------------------------------------------------------


def _chart(facts: Facts, name: str, points: Sequence[Point]) -> Chart:
    left, top, right, bottom = BOX
    others = of_baselines(facts, name)
    everybody = [*points, *(point for _, several in others for point in several)]
    x = logarithmic([point.fewer for point in everybody], left, right)
    values = [point.value for point in everybody]
    y = linear([*values, *_error_ends(facts, points)], bottom, top)
    share = bool(facts.metric.share)
    front = pareto(points, maximise=facts.metric.maximise) if facts.knows_better else []
    return Chart(
        name=f"metric-by-{name}",
        title=f"{facts.metric.name} against {_what(facts, name)}",
        about=_about(points, front),
        width=WIDTH,
        height=HEIGHT,
        box=BOX,
        x=Axis.of(_label(facts, name), x, tick_of_factor),
        y=Axis.of(
            f"{facts.metric.name}, validation", y, lambda one: tick_of_metric(one, share=share)
        ),
        lines=_lines(facts, points, front, x, y),
        marks=[*_baselines(facts, others, x, y), *_marks(facts, points, front, x, y)],
        texts=_names(facts, points, x, y),
    )


def _what(facts: Facts, name: str) -> str:
    if name != "latency":
        return HEADLINES[name]
    return "latency, measured" if facts.latency else "latency as predicted by an environment"


def _label(facts: Facts, name: str) -> str:
    if name != "latency":
        return f"times fewer {HEADLINES[name]} than the ancestor"
    if facts.latency:
        return f"times faster than the ancestor, batch {batch_of(facts)}"
    return "times faster than the ancestor, as predicted"


def _error_ends(facts: Facts, points: Sequence[Point]) -> list[float]:
    return [
        point.value + sign * error
        for point in points
        if (error := _error(facts, point))
        for sign in (-1, 1)
    ]


def _error(facts: Facts, point: Point) -> float:
    """Return the standard error of those that have a bar: the ancestor and the delivered one."""
    if point.one.id not in (facts.ancestor.id, facts.best.id) or point.one.fitness is None:
        return 0.0
    error = point.one.fitness.validation[facts.metric.name].error
    return error if error is not None and math.isfinite(error) else 0.0


def _lines(
    facts: Facts, points: Sequence[Point], front: Sequence[Point], x: Scale, y: Scale
) -> list[Line]:
    found = []
    if len(front) > 1:
        words = "Pareto front: no individual is both smaller and better"
        found.append(Line(stairs([(x(p.fewer), y(p.value)) for p in front]), "front", words))
    for point in points:
        if error := _error(facts, point):
            ends = [(x(point.fewer), y(point.value + sign * error)) for sign in (-1, 1)]
            found.append(Line(polyline(ends), "error", f"{point.one.id}: standard error"))
    return found


def _marks(
    facts: Facts, points: Sequence[Point], front: Sequence[Point], x: Scale, y: Scale
) -> list[Mark]:
    named = {point.one.id for point in front} | {facts.ancestor.id, facts.best.id}
    rest = [point for point in points if point.one.id not in named]
    found = _gathered(facts, rest, x, y) if len(points) > MOST else None
    if found is None:
        found = [_mark(facts, point, x, y) for point in rest]
    return [*found, *(_mark(facts, point, x, y) for point in points if point.one.id in named)]


def _tip(facts: Facts, point: Point) -> str:
    """Return a tool tip: short, since there is one for everybody in every chart."""
    words = measured(point.one, facts.metric).partition(" ±")
    unit = " %" if words[2].endswith("%") else ""
    return f"{point.one.id}: {words[0]}{unit}, {factor(point.fewer)}"


def _mark(facts: Facts, point: Point, x: Scale, y: Scale) -> Mark:
    at, title = (x(point.fewer), y(point.value)), _tip(facts, point)
    if point.one.id == facts.best.id:
        return Mark(*at, "dot", "delivered", f"delivered: {title}", 5.5)
    if point.one.id == facts.ancestor.id:
        return Mark(*at, "diamond", "first", title, 6.0)
    return Mark(*at, "dot", _by_age(facts, point.one), title, 3.5)


def _baselines(
    facts: Facts, others: Sequence[tuple[str, list[Point]]], x: Scale, y: Scale
) -> list[Mark]:
    """Return a hollow square for the best of each generation of every baseline."""
    return [
        Mark(x(p.fewer), y(p.value), "square", "base", f"baseline {arm}, {_tip(facts, p)}", 3.5)
        for arm, several in others
        for p in several
    ]


def _by_age(facts: Facts, one: Individual) -> str:
    return tone(one.generation, 0, facts.everyone[-1].generation)


def _gathered(facts: Facts, points: Sequence[Point], x: Scale, y: Scale) -> list[Mark]:
    """Return a mark for each cell of a grid in which anybody is."""
    left, top, right, bottom = BOX
    wide, high = (right - left) / FINEST[0], (bottom - top) / FINEST[1]
    cells: dict[tuple[int, int], list[Point]] = {}
    for point in points:
        cell = int((x(point.fewer) - left) / wide), int((y(point.value) - top) / high)
        cells.setdefault(cell, []).append(point)
    found = []
    for (column, row), several in cells.items():
        latest = max(several, key=lambda point: point.one.generation)
        title = _tip(facts, latest)
        if len(several) > 1:
            title = f"{len(several)} individuals, the latest {title}"
        at = round(left + (column + 0.5) * wide, 1), round(top + (row + 0.5) * high, 1)
        size = round(min(2.2 + 0.7 * math.log2(len(several)), 4.6), 1)
        found.append(Mark(*at, "dot", _by_age(facts, latest.one), title, size))
    return found


def _names(facts: Facts, points: Sequence[Point], x: Scale, y: Scale) -> list[Text]:
    found = []
    for point in points:
        at = x(point.fewer), y(point.value)
        low = at[1] > BOX[3] - 30
        if point.one.id == facts.best.id and point.one.id != facts.ancestor.id:
            late = at[0] > BOX[2] - 60
            words = Text(
                at[0] + (-9 if late else 9),
                at[1] + (-9 if low else 16),
                point.one.id,
                "end" if late else "start",
                "name",
            )
            found.append(words)
        elif point.one.id == facts.ancestor.id:
            found.append(Text(at[0] + 9, at[1] + (-9 if low else 16), "ancestor"))
    return found


# --- in words ---------------------------------------------------------------------------------


def _about(points: Sequence[Point], front: Sequence[Point]) -> str:
    ends = f"{len(points)} individuals, from 1x to {factor(max(p.fewer for p in points))}"
    if not front:
        return f"{ends}."
    return f"{ends}; {len(front)} of them are on the Pareto front."


def _row(facts: Facts, point: Point) -> tuple[str, str, str, str]:
    return (
        point.one.id,
        factor(point.fewer),
        measured(point.one, facts.metric),
        measured(point.one, facts.metric, "test"),
    )


def _notes(facts: Facts, fronts: dict[str, list[Point]]) -> list[str]:
    found = []
    if facts.baselines:
        found.append(
            f"Hollow squares are the best of each generation of the baselines that were run beside "
            f"this arm with the same seed: {', '.join(facts.baselines)}."
        )
    if "flops" not in fronts:
        found.append(
            "FLOPs are not on record: the network does not run on torch's meta device, or "
            "only the ancestor is alive."
        )
    if "latency" not in fronts:
        found.append(
            "Latency is not on record. A run measures it at its end with -o run.latency=true; for "
            f"this run, evoframe show {facts.run.path} --latency measures it on this machine."
        )
    elif not facts.latency:
        found.append(
            "Latency is what the table or the rates of an environment say; this run measured none."
        )
    if not facts.knows_better:
        found.append("Which way is better is not on record, so there is no Pareto front.")
    return found
