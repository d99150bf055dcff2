"""One cut of the network of a recipe's task, ready to be exported."""

from __future__ import annotations

import attrs

from evoframe.config.recipe import Recipe
from evoframe.export.delivered import Delivered
from evoframe.kernel import device as devices
from evoframe.kernel.key import Key
from evoframe.kernel.modules.arguments import Arguments
from evoframe.once.cutting import Cut
from evoframe.once.wish import Wish
from evoframe.run.world import ancestor_of, survey_ancestor, timed

IDENTITY = "shrunk"
"""The individual that an export of a cut names."""


def of_recipe(recipe: Recipe, wish: Wish) -> tuple[Cut, Delivered]:
    """Return a cut of the network of a recipe's task, and what there is to export.

    Args:
        recipe: of which the task, the table ``[anatomy]``, seed, threads and the table of latencies
            are looked at.
        wish: how the network is to become smaller.

    Raises:
        ConfigError: a limit cannot be understood or met.
        TaskError: the network cannot be surveyed.
    """
    device = devices.resolve("cpu")
    if recipe.anatomy.at_least < 1:
        wish = attrs.evolve(wish, at_least=recipe.anatomy.at_least)
    with devices.arithmetic(device, threads=recipe.run.threads, strict=recipe.run.strict):
        anatomy = timed(recipe, survey_ancestor(recipe, ancestor_of(recipe)))
        key = Key(recipe.run.seed).at("shrink")
        cut, phenotype = wish.fulfilled(anatomy, recipe.task, key, device)
        blueprint = anatomy.blueprint(cut.genotype)
    inputs = Arguments.of(recipe.task.example_inputs())
    return cut, Delivered(
        IDENTITY, phenotype.network, phenotype.masks, cut.genotype, blueprint, inputs
    )
