"""Lineage: who descends from whom."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from evoframe.kernel.individual import Individual


def ancestry(start: str, individuals: Iterable[Individual]) -> tuple[Individual, ...]:
    """Return an individual and all its forebears, youngest first, each once."""
    known: Mapping[str, Individual] = {one.id: one for one in individuals}
    found: dict[str, Individual] = {}
    waiting = [start]
    while waiting:
        one = known[waiting.pop()]
        if one.id not in found:
            found[one.id] = one
            waiting.extend(one.parents)
    return tuple(sorted(found.values(), key=lambda one: (-one.generation, one.slot)))


def descendants(start: str, individuals: Iterable[Individual]) -> tuple[Individual, ...]:
    """Return all individuals that descend from one, oldest first, itself excluded."""
    line = {start}
    found = []
    for one in sorted(individuals, key=lambda one: (one.generation, one.slot)):
        if one.id not in line and line.intersection(one.parents):
            line.add(one.id)
            found.append(one)
    return tuple(found)
