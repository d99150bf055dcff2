"""Selecting: what a generation's selection sees of the individuals on record."""

from __future__ import annotations

from collections.abc import Sequence

from evoframe.config.recipe import Recipe
from evoframe.kernel.individual import Individual
from evoframe.kernel.population import Population


def population(individuals: Sequence[Individual], number: int, recipe: Recipe) -> Population:
    """Return the population that the parents of a generation are selected from.

    Args:
        individuals: everybody on record.
        number: of the generation.
        recipe: of that generation.
    """
    archive = tuple(one for one in individuals if one.is_alive and one.generation < number)
    last = [one for one in individuals if one.generation == number - 1]
    return Population(
        individuals=tuple(one for one in archive if one.generation == number - 1),
        archive=archive,
        size=recipe.run.population,
        parents=recipe.heredity.parents,
        metric=recipe.task.primary,
        metrics=recipe.task.metrics,
        stillborn=tuple(one for one in last if not one.is_alive),
    )
