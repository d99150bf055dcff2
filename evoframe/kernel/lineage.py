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
    return tuple(sorted(found.values(), key=lambda one: (-one.generation, one.place)))
