"""Survival: how many channels of each layer are left, generation by generation."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

import attrs

from evoframe.report.page.drawing import TONES, Axis, Cell, Chart, Text, tone
from evoframe.report.page.facts import Facts

MOST_LAYERS, MOST_GENERATIONS, MOST_CELLS = 32, 14, 360
"""How much is drawn: of more layers the widest, of more generations some that lie evenly."""

LEFT, TOP, ROW, LETTERS = 178.0, 8.0, 17.0, 24


@attrs.frozen
class Survival:
    """The survival of channels.

    Attributes:
        chart: the drawing; None where the record holds no widths.
        notes: what is left out, and why.
        tones: the classes of the colours, from none to all channels.
    """

    chart: Chart | None
    notes: tuple[str, ...]
    tones: tuple[str, ...] = tuple(f"q{index}" for index in range(TONES))


def survival(facts: Facts) -> Survival:
    """Return the share of channels of each layer that is left in each generation."""
    left = _left(facts)
    if not facts.layers or not left:
        return Survival(
            None,
            (
                (
                    "Widths of layers are not on record: an earlier version of evoframe made this "
                    "run. A run of this version puts them there."
                ),
            ),
        )
    rows = _picked(facts, len(facts.layers))
    most = min(MOST_GENERATIONS, MOST_CELLS // len(rows))
    columns = evenly(list(left), most)
    notes = []
    if len(rows) < len(facts.layers):
        notes.append(
            f"Drawn are the {len(rows)} layers with most channels of {len(facts.layers)}; the data "
            "below hold all."
        )
    if len(columns) < len(left):
        notes.append(f"{len(columns)} of {len(left)} generations are shown.")
    return Survival(_chart(facts, rows, columns, left), tuple(notes))


def _left(facts: Facts) -> dict[int, list[tuple[int, ...]]]:
    """Return the channels by layer of everybody living, by generation."""
    found: dict[int, list[tuple[int, ...]]] = {}
    for one in facts.everyone:
        channels = facts.account(one).channels
        if one.is_alive and len(channels) == len(facts.layers):
            found.setdefault(one.generation, []).append(channels)
    return found


def _picked(facts: Facts, count: int) -> list[int]:
    """Return the layers to draw by number: all, or those with most channels, in their order."""
    widest = sorted(range(count), key=lambda index: -int(facts.layers[index]["channels"]))
    return sorted(widest[:MOST_LAYERS])


def evenly(values: Sequence[int], most: int) -> list[int]:
    """Return at most so many of some values, the first and the last among them."""
    if len(values) <= most:
        return list(values)
    return [values[round(index * (len(values) - 1) / (most - 1))] for index in range(most)]


def _chart(
    facts: Facts,
    rows: Sequence[int],
    columns: Sequence[int],
    left: dict[int, list[tuple[int, ...]]],
) -> Chart:
    step = min(max(420.0 / len(columns), 20.0), 64.0)
    right, bottom = LEFT + step * len(columns), TOP + ROW * len(rows)
    names = short_names([str(layer["name"]) for layer in facts.layers])
    cells = []
    for row, layer in enumerate(rows):
        told = facts.layers[layer]
        for column, number in enumerate(columns):
            widths = [channels[layer] for channels in left[number]]
            corner = round(LEFT + column * step + 1, 1), round(TOP + row * ROW + 1, 1)
            mean, whole = statistics.fmean(widths), int(told["channels"])
            title = f"{names[layer]}, generation {number}: {mean:.4g} of {whole}"
            colour = tone(mean / whole, 0.0, 1.0)
            cells.append(Cell(*corner, round(step - 2, 1), ROW - 2, colour, title))
    return Chart(
        name="survival",
        title="Share of channels left, by layer and generation",
        about=_about(facts),
        width=right + 84,
        height=bottom + 42,
        box=(LEFT, TOP, right, bottom),
        x=Axis(
            "generation (mean of the living)",
            tuple(
                (round(LEFT + (column + 0.5) * step, 1), str(number))
                for column, number in enumerate(columns)
            ),
        ),
        y=Axis("", tuple(_row_names([names[layer] for layer in rows]))),
        cells=cells,
        texts=_delivered(facts, rows, right),
        grid=False,
    )


def short_names(names: Sequence[str]) -> list[str]:
    """Return names of parameters without what all of them end with: ``.weight``, as a rule."""
    same = all(name.endswith(".weight") for name in names)
    return [name.removesuffix(".weight") if same else name for name in names]


def _row_names(names: Sequence[str]) -> list[tuple[float, str]]:
    short = [name if len(name) <= LETTERS else f"…{name[1 - LETTERS :]}" for name in names]
    return [(round(TOP + (row + 0.5) * ROW, 1), name) for row, name in enumerate(short)]


def _delivered(facts: Facts, rows: Sequence[int], right: float) -> list[Text]:
    """Return the number of channels that the delivered network has, beside each row."""
    channels = facts.account(facts.best).channels
    if not channels:
        return []
    return [
        Text(
            right + 8,
            round(TOP + (row + 0.5) * ROW + 4, 1),
            f"{channels[layer]} of {facts.layers[layer]['channels']}",
        )
        for row, layer in enumerate(rows)
    ]


def _about(facts: Facts) -> str:
    channels = facts.account(facts.best).channels
    if not channels:
        return "Widths of the delivered network are not on record."
    shares = [
        (left / int(layer["channels"]), str(layer["name"]))
        for layer, left in zip(facts.layers, channels, strict=True)
    ]
    least, most = min(shares), max(shares)
    return (
        f"In {facts.best.id}, {least[1]} keeps {least[0]:.0%} of its channels, the least, and "
        f"{most[1]} keeps {most[0]:.0%}, the most."
    )
