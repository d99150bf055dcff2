"""Individuals: a row for everybody, or for the best of each generation where they are many."""

from __future__ import annotations

import attrs

from evoframe.kernel.individual import Individual
from evoframe.kernel.sizes import HEADLINES, factors, short
from evoframe.report.page.facts import Facts
from evoframe.report.page.survival import evenly
from evoframe.report.page.words import NONE, duration, factor, measured

MOST = 40
"""How many rows there are."""


@attrs.frozen
class People:
    """A table of individuals.

    Attributes:
        head: names of columns.
        rows: the id, whether it is delivered, and the cells.
        caption: who they are.
    """

    head: tuple[str, ...]
    rows: tuple[tuple[str, bool, tuple[str, ...]], ...]
    caption: str


def people(facts: Facts) -> People:
    """Return the individuals of a run as rows."""
    shown = _shown(facts)
    whole = facts.costs(facts.ancestor)
    names = [name for name in HEADLINES if name in whole]
    test = facts.ancestor.fitness is not None and facts.metric.name in facts.ancestor.fitness.test
    head = ("from", *(HEADLINES[name] for name in names), facts.metric.name)
    head += (*(["on test"] if test else []), "life")
    rows = []
    for one in shown:
        cells = [" ".join(one.parents) or NONE, *_sized(facts, one, names)]
        value = measured(one, facts.metric) if one.is_alive else f"stillborn: {one.stillborn}"
        cells += [value, *([measured(one, facts.metric, "test")] if test else [])]
        rows.append((one.id, one.id == facts.best.id, (*cells, _life(facts, one))))
    more = len(facts.everyone) - len(shown)
    words = (
        "All individuals."
        if not more
        else (
            f"{len(shown)} of {len(facts.everyone):,} individuals: the lineage of {facts.best.id} "
            "and the best of generations. The data below hold all."
        )
    )
    return People(head, tuple(rows), words)


def _shown(facts: Facts) -> list[Individual]:
    if len(facts.everyone) <= MOST:
        return list(facts.everyone)
    best: dict[int, Individual] = {}
    for one in facts.sound():
        known = best.get(one.generation)
        order = facts.metric.sort_value
        if known is None or order(facts.value(one)) > order(facts.value(known)):
            best[one.generation] = one
    mine = [one for one in facts.everyone if one.id in facts.lineage]
    lineage = [mine[index] for index in evenly(range(len(mine)), MOST // 2)]
    others = [one for one in best.values() if one.id not in facts.lineage]
    picked = [others[index] for index in evenly(range(len(others)), MOST // 2)]
    return sorted([*lineage, *picked], key=lambda one: (one.generation, one.place))


def _sized(facts: Facts, one: Individual, names: list[str]) -> list[str]:
    costs = facts.costs(one)
    fewer = factors(costs, facts.costs(facts.ancestor))
    return [
        f"{short(costs[name])} ({factor(fewer[name])})" if name in fewer else NONE for name in names
    ]


def _life(facts: Facts, one: Individual) -> str:
    return duration(facts.entries[one.id].seconds) if one.is_alive else NONE
