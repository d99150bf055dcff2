"""Elitism and drawing, shared by the built-in selections."""

from __future__ import annotations

from collections.abc import Sequence

from evoframe.kernel.individual import Individual
from evoframe.kernel.key import Key
from evoframe.kernel.population import Family, Population
from evoframe.roles import doc

ELITES = doc("number of the best individuals of the last generation kept unchanged")


def elite_families(population: Population, elites: int) -> tuple[Family, ...]:
    """Return a family for each of the best of the last generation, at most ``population.size``."""
    best = population.ranked(population.sound())[: min(elites, population.size)]
    return tuple(Family((one.id,), elite=True) for one in best)


def draw(candidates: Sequence[Individual], count: int, key: Key) -> tuple[Individual, ...]:
    """Return ``count`` of the candidates, none twice as long as there are enough of them.

    The candidates are put in order of birth first, so the draw depends on who they are only.
    """
    ordered = sorted(candidates, key=lambda one: (one.generation, one.place))
    drawn: list[Individual] = []
    # Lap by lap through everybody, so nobody is drawn twice before all were once.
    for lap in range(-(-count // len(ordered))):
        drawn += [ordered[index] for index in key.at("lap", lap).shuffled(len(ordered))]
    return tuple(drawn[:count])


def family(parents: Sequence[Individual]) -> Family:
    """Return a family of these parents."""
    return Family(tuple(one.id for one in parents))
