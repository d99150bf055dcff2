"""Ancestry: who descends from whom, coloured by fitness."""

from __future__ import annotations

import math
from collections.abc import Sequence

import attrs

from evoframe.kernel.individual import Individual, Measurement, Origin
from evoframe.kernel.population import is_sound, rank
from evoframe.report.page.drawing import TONES, Axis, Chart, Line, Mark, Text, curve, tone
from evoframe.report.page.facts import Facts
from evoframe.report.page.words import count, measured, somebody

MOST = 300
"""How many individuals are drawn."""

REASONS = 12
"""How many reasons of the stillborn are listed."""

LEFT, TOP, BOTTOM = 46.0, 14.0, 40.0


@attrs.frozen
class Ancestry:
    """The ancestry of a run.

    Attributes:
        chart: the drawing.
        worst, best: the values at the ends of the colours, in words.
        tones: the classes of these colours, from worst to best.
        drawn: how many individuals are drawn, in words; empty if all are.
        counts: how many there are of each origin, in words.
        stillborn: reasons with how many died of each, the most first.
        more: how many reasons are left out.
    """

    chart: Chart
    worst: str
    best: str
    tones: tuple[str, ...]
    drawn: str
    counts: str
    stillborn: tuple[tuple[str, str, int], ...]
    more: int


def ancestry(facts: Facts) -> Ancestry:
    """Return the ancestry of a run, as a drawing and in words."""
    shown = _shown(facts)
    values = [facts.value(one) for one in facts.sound()] or [0.0]
    low, high = min(values), max(values)
    ends = (low, high) if facts.metric.maximise else (high, low)
    reasons = _reasons(facts)
    drawn = ""
    if len(shown) < len(facts.everyone):
        drawn = (
            f"Drawn are {len(shown)} of {count(len(facts.everyone))} individuals: the line of "
            f"first parents of {facts.best.id}, and the best of every generation."
        )
    return Ancestry(
        chart=_chart(facts, shown, (low, high)),
        worst=facts.metric.in_words(Measurement(ends[0])),
        best=facts.metric.in_words(Measurement(ends[1])),
        tones=tuple(f"q{index}" for index in range(TONES)),
        drawn=drawn,
        counts=_counts(facts),
        stillborn=tuple(reasons[:REASONS]),
        more=max(len(reasons) - REASONS, 0),
    )


def _shown(facts: Facts) -> list[Individual]:
    """Return the individuals to draw: all, or those that matter most, with a parent each."""
    if len(facts.everyone) <= MOST:
        return list(facts.everyone)
    order = _by_generation(facts, facts.everyone)
    chosen = {one.id for one in _line(facts)}
    for place in range(max(map(len, order.values()))):
        for members in order.values():
            if place < len(members) and len(chosen) < MOST:
                chosen.add(members[place].id)
    return [one for one in facts.everyone if one.id in chosen]


def _line(facts: Facts) -> list[Individual]:
    """Return the delivered individual, its first parent, the first parent of that, and so on."""
    known = {one.id: one for one in facts.everyone}
    found = [facts.best]
    while found[-1].parents:
        found.append(known[found[-1].parents[0]])
    return found[-MOST:]


def _by_generation(facts: Facts, everyone: Sequence[Individual]) -> dict[int, list[Individual]]:
    """Return individuals by generation, from best to worst, the stillborn last."""
    found: dict[int, list[Individual]] = {}
    for one in everyone:
        found.setdefault(one.generation, []).append(one)
    for members in found.values():
        members.sort(key=lambda one: (not one.is_alive, _order(facts, one)))
    return found


def _order(facts: Facts, one: Individual) -> tuple[float, ...]:
    return rank(one, facts.metric) if one.is_alive else (float(one.place),)


def _chart(facts: Facts, shown: Sequence[Individual], ends: tuple[float, float]) -> Chart:
    order = _by_generation(facts, shown)
    tallest = max(map(len, order.values()))
    step_x = min(max(640.0 / max(len(order), 2), 16.0), 96.0)
    step_y = min(max(300.0 / tallest, 8.0), 26.0)
    columns = {number: LEFT + 14 + index * step_x for index, number in enumerate(order)}
    places = {
        one.id: (round(columns[number], 1), round(TOP + 8 + row * step_y, 1))
        for number, members in order.items()
        for row, one in enumerate(members)
    }
    width = LEFT + 28 + (len(order) - 1) * step_x + 40
    height = TOP + 16 + (tallest - 1) * step_y + BOTTOM
    size = min(step_x, step_y) / 2 - 1.5
    marks = [_mark(facts, one, places[one.id], ends, min(max(size, 2.5), 6.0)) for one in shown]
    x, y = places[facts.best.id]
    box = (LEFT, TOP, width - 40, height - BOTTOM)
    return Chart(
        name="ancestry",
        title="Ancestry of the run",
        about=_about(facts),
        width=round(width, 1),
        height=round(height, 1),
        box=box,
        x=_generations(columns),
        y=Axis("place by " + facts.metric.name, _ranks(tallest, step_y)),
        lines=_lines(facts, shown, places),
        marks=[*marks, Mark(x, y, "ring", "chosen", f"{facts.best.id} is delivered", 9.0)],
        texts=[Text(x + 12, y - 8, facts.best.id, tone="name")],
    )


def _generations(columns: dict[int, float]) -> Axis:
    every = math.ceil(len(columns) / 16)
    ticks = [(round(at, 1), str(number)) for number, at in columns.items()]
    return Axis("generation", tuple(ticks[::every]))


def _ranks(tallest: int, step: float) -> tuple[tuple[float, str], ...]:
    every = math.ceil(tallest / 8)
    return tuple((round(TOP + 8 + row * step, 1), str(row + 1)) for row in range(0, tallest, every))


def _lines(
    facts: Facts, shown: Sequence[Individual], places: dict[str, tuple[float, float]]
) -> list[Line]:
    """Return lines from parents to offspring; that of first parents comes last, on top."""
    line = {one.id: one.parents[:1] for one in _line(facts)}
    paths: dict[str, list[str]] = {"descent": [], "kin": [], "lineage": []}
    for one in shown:
        for parent in one.parents:
            if parent in places:
                kind = "kin" if {one.id, parent} <= facts.lineage else "descent"
                kind = "lineage" if parent in line.get(one.id, ()) else kind
                paths[kind].append(curve(places[parent], places[one.id]))
    # One path for all of a kind: a line each would take several times the bytes.
    return [Line("".join(several), kind) for kind, several in paths.items() if several]


def _mark(
    facts: Facts,
    one: Individual,
    at: tuple[float, float],
    ends: tuple[float, float],
    size: float,
) -> Mark:
    title = somebody(facts, one)
    if not one.is_alive:
        return Mark(*at, "cross", "dead", title, size)
    colour = "dead"
    if is_sound(one, facts.metric):
        colour = tone(facts.value(one), *ends, maximise=facts.metric.maximise)
    shapes = {Origin.ELITE: "square", Origin.ANCESTOR: "diamond"}
    return Mark(*at, shapes.get(one.origin, "dot"), colour, title, size)  # type: ignore[arg-type]


def _about(facts: Facts) -> str:
    first, best = facts.ancestor, facts.best
    return (
        f"{_counts(facts)}. From {first.id}, {facts.metric.name} "
        f"{measured(first, facts.metric)}, to {best.id}, {measured(best, facts.metric)}, over "
        f"{len(facts.lineage)} individuals of one lineage."
    )


def _counts(facts: Facts) -> str:
    dead = sum(not one.is_alive for one in facts.everyone)
    elites = sum(one.origin is Origin.ELITE for one in facts.everyone)
    generations = len({one.generation for one in facts.everyone})
    return (
        f"{count(len(facts.everyone))} individuals in {generations} generations, {elites} of them "
        f"elites and {dead} stillborn"
    )


def _reasons(facts: Facts) -> list[tuple[str, str, int]]:
    """Return each reason of the stillborn, who first died of it, and how many did."""
    found: dict[str, list[str]] = {}
    for one in facts.everyone:
        if one.stillborn:
            found.setdefault(one.stillborn, []).append(one.id)
    rows = [(reason, names[0], len(names)) for reason, names in found.items()]
    return sorted(rows, key=lambda row: -row[2])
