"""Spent: the time that a run took, by phase and by generation."""

from __future__ import annotations

import statistics
from collections.abc import Mapping

import attrs

from evoframe.kernel.individual import Individual, Origin
from evoframe.kernel.sizes import short
from evoframe.report.page.drawing import Axis, Cell, Chart
from evoframe.report.page.facts import Facts
from evoframe.report.page.scales import Scale, linear
from evoframe.report.page.survival import evenly
from evoframe.report.page.words import NONE, duration, measured

REST = "between phases"
MOST_GENERATIONS = 20
WIDTH, BOX = 360.0, (96.0, 6.0, 340.0, 0.0)


@attrs.frozen
class Spent:
    """Where the time went.

    Attributes:
        phases: a phase, its seconds in words, and its share in per cent.
        chart: the same as bars; None where no phase is on record.
        generations: number, lives, stillborn, seconds of a life, best metric, smallest sizes.
        more: generations that are left out.
        words: sentences on the whole.
    """

    phases: tuple[tuple[str, str, str], ...]
    chart: Chart | None
    generations: tuple[tuple[str, ...], ...]
    more: int
    words: tuple[str, ...]


def spent(facts: Facts) -> Spent:
    """Return the time and the cost of a run, by phase and by generation."""
    taken = _by_phase(facts)
    lives = sum(entry.seconds for entry in facts.run.entries)
    phases = tuple(
        (name, duration(seconds), f"{seconds / max(lives, 1e-9):.1%}")
        for name, seconds in taken.items()
    )
    numbers = sorted({one.generation for one in facts.everyone})
    shown = evenly(numbers, MOST_GENERATIONS)
    return Spent(
        phases=phases,
        chart=_chart(taken) if taken else None,
        generations=tuple(_generation(facts, number) for number in shown),
        more=len(numbers) - len(shown),
        words=tuple(_words(facts, lives, taken)),
    )


def _by_phase(facts: Facts) -> dict[str, float]:
    """Return the seconds of all lives by phase, those on record, the longest first."""
    found: dict[str, float] = {}
    rest = 0.0
    for one in facts.everyone:
        phases = facts.account(one).phases
        for name, seconds in phases.items():
            found[name] = found.get(name, 0.0) + seconds
        if phases:
            rest += max(facts.entries[one.id].seconds - sum(phases.values()), 0.0)
    ordered = dict(sorted(found.items(), key=lambda item: -item[1]))
    return {**ordered, REST: rest} if found else {}


def _chart(taken: Mapping[str, float]) -> Chart:
    left, top, right, _ = BOX
    row = 20.0
    bottom = top + row * len(taken)
    x = linear([0.0, *taken.values()], left, right, room=0.0)
    cells, ticks = [], []
    for index, (name, seconds) in enumerate(taken.items()):
        y = top + index * row
        bar = max(round(x(seconds) - left, 1), 0.8)
        cells.append(Cell(left, y + 3, bar, row - 6, "bar", f"{name}: {duration(seconds)}"))
        ticks.append((y + row / 2, name))
    return Chart(
        name="phases",
        title="Seconds of all lives by phase",
        about=f"{next(iter(taken))} took longest.",
        width=WIDTH,
        height=bottom + 42,
        box=(left, top, right, bottom),
        x=_time_axis(x, max(taken.values())),
        y=Axis("", tuple(ticks)),
        cells=cells,
        grid=False,
    )


def _time_axis(x: Scale, longest: float) -> Axis:
    unit, size = ("hours", 3600) if longest > 10800 else ("minutes", 60)
    if longest <= 300:
        unit, size = "seconds", 1
    scale = Scale(x.low / size, x.high / size, x.start, x.end)
    return Axis.of(f"{unit}, all lives together", scale, lambda one: f"{one:g}", most=5)


def _generation(facts: Facts, number: int) -> tuple[str, ...]:
    members = [one for one in facts.everyone if one.generation == number]
    alive = [one for one in members if one.is_alive]
    lived = [facts.entries[one.id].seconds for one in members if one.origin is not Origin.ELITE]
    best = _best(facts, alive)
    return (
        str(number),
        str(len(members)),
        str(len(members) - len(alive)),
        duration(statistics.fmean(lived)) if lived else NONE,
        NONE if best is None else measured(best, facts.metric),
        _least(alive, "parameters"),
        _least(alive, "flops"),
    )


def _best(facts: Facts, alive: list[Individual]) -> Individual | None:
    sound = {one.id for one in facts.sound()}
    known = [one for one in alive if one.id in sound or one.origin is Origin.ELITE]
    return max(known, key=lambda one: facts.metric.sort_value(facts.value(one)), default=None)


def _least(alive: list[Individual], name: str) -> str:
    known = [one.fitness.costs[name] for one in alive if one.fitness and name in one.fitness.costs]
    return short(min(known)) if known else NONE


def _epochs(facts: Facts) -> list[str]:
    """Return a sentence on the epochs that descendants were trained for, where they are known."""
    offspring = [one for one in facts.everyone if one.origin is Origin.OFFSPRING]
    told = [facts.account(one).epochs for one in offspring]
    known = [epochs for epochs in told if epochs]
    if not known:
        return []
    least, most = min(known), max(known)
    each = f"{most:g} each" if least == most else f"{least:g} to {most:g} each"
    return [f"Its offspring were trained for {sum(known):g} epochs, {each}."]


def _words(facts: Facts, lives: float, taken: Mapping[str, float]) -> list[str]:
    found = [
        (
            f"The run took {duration(facts.seconds)} by the clock; its "
            f"{len(facts.everyone)} lives together took {duration(lives)}."
        )
    ]
    found += _epochs(facts)
    if "seconds" in facts.survey:
        found.append(f"The survey of the ancestor took {duration(facts.survey['seconds'])}.")
    if facts.sessions:
        begun, device = facts.sessions[0][0], facts.sessions[0][1].get("device", "")
        again = len(facts.sessions) - 1
        resumed = f", and taken up again {again} times" if again > 1 else ""
        resumed = ", and taken up again once" if again == 1 else resumed
        found.append(f"It was begun on {begun} UTC, on {device}{resumed}.")
    if not taken:
        found.append("Phases are not on record: an earlier version of evoframe made this run.")
    elif len(facts.accounts) < len(facts.everyone):
        found.append(
            f"Phases are on record of {len(facts.accounts)} of {len(facts.everyone)} lives."
        )
    return found
