"""Selecting: what a generation's selection sees of the individuals on record."""

from __future__ import annotations

from evoframe.config.recipe import Recipe
from evoframe.kernel.population import Population
from evoframe.run.disk.known import Known


def population(known: Known, number: int, recipe: Recipe) -> Population:
    """Return the population that the parents of a generation are selected from.

    Args:
        known: everybody on record.
        number: of the generation.
        recipe: of that generation.
    """
    last = known.generation(number - 1)
    return Population(
        individuals=tuple(one for one in last if one.is_alive and one.overtaken is None),
        archive=known.archive(number),
        size=recipe.run.population,
        parents=recipe.heredity.parents,
        metric=recipe.task.primary,
        metrics=recipe.task.metrics,
        stillborn=tuple(one for one in last if not one.is_alive),
        overtaken=tuple(one for one in last if one.overtaken is not None),
    )
