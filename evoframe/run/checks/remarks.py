"""Remarks: what a person should be told of a run though nothing has failed."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from pathlib import Path

import torch

from evoframe.anatomy import Anatomy
from evoframe.config.recipe import Recipe, RunOptions
from evoframe.errors import listing
from evoframe.evolution.birth import DEAF, EXTINCT, Remark
from evoframe.kernel.individual import Individual, Metric
from evoframe.kernel.population import is_sound
from evoframe.registry.global_state import NOTICED, in_words
from evoframe.run.disk.journal import Journal
from evoframe.strategies.training import Fit, Untrained

FAR, FAR_ABOVE = 0.1, 0.5
"""Shares of the ancestor's metric: more lost is worth a word, where more is better or less is."""

APART, ERRORS = 0.2, 5.0
"""How far validation and test may lie apart, for a share of one and in standard errors."""

ALONE = (Fit, Untrained)
"""Trainings that tell no nurture of a life."""

SOME = 3
"""How many lines of code are named."""


def of_recipe(recipe: Recipe) -> list[str]:
    """Sentences on what is said in a recipe and has no effect, or has one that nobody meant."""
    found = of_imports(recipe)
    if recipe.ancestor is not None and recipe.task.is_trained:
        found.append(
            "[ancestor] has no effect, since the network of this task is declared as trained. If "
            "it is not, declare it: evoframe.task(trained=False)."
        )
    if recipe.nurture and isinstance(recipe.training, ALONE):
        found.append(
            f"[nurture] ({listing(one.name for one in recipe.nurture)}) has no effect, since "
            f"training {recipe.training.name!r} does not apply nurtures. Use training 'gradient'; "
            "epochs = 1 keeps it short."
        )
    return found


def of_imports(recipe: Recipe) -> list[str]:
    """Sentences on strategies whose modules changed the global state as they were imported."""
    modules = {type(one).__module__ for _, one in recipe.strategies()}
    return [
        in_words(Path(str(sys.modules[name].__file__)).name, NOTICED[name])
        for name in NOTICED
        if any(one == name or one.startswith(f"{name}.") for one in modules)
    ]


def of_life(said: Sequence[Remark], journal: Journal) -> list[str]:
    """Sentences on a life, without those that are on record of others in other figures."""
    known = journal.remarks() if said else []
    return [one.words for one in said if not any(old.startswith(one.about) for old in known)]


def of_anatomy(anatomy: Anatomy) -> list[str]:
    """Sentences on how far it is proved that smaller networks compute the same."""
    everything, found = torch.ones_like(anatomy.bundles.kept), []
    if not anatomy.bundles.count(everything):
        return []
    if anatomy.error is not None:
        found.append(
            "anatomy.approximate is true, so smaller networks compute something different: on "
            "the example inputs, their outputs before training deviate from the "
            f"masked ancestor's by up to {anatomy.error:.2g} of the largest output."
        )
    elif anatomy.untried:
        found.append(
            f"not all removable channels were tested numerically: {anatomy.untried}. For these, "
            "only operations and shapes prove that a smaller network computes the same."
        )
    if asks := anatomy.proved.plan.trace.asks:
        lines = listing(asks[:SOME]) + (", and more" if len(asks) > SOME else "")
        found.append(
            f"the network's code reads values of tensors ({lines}), and may take another path for "
            "other inputs. What can be removed was determined on the path of the example inputs, "
            "so these should be typical."
        )
    return found


def of_delivery(
    individuals: Sequence[Individual], chosen: str, metric: Metric, options: RunOptions
) -> list[str]:
    """Sentences on the individual that a run delivers; none if all is as one would think."""
    best, whole = next(one for one in individuals if one.id == chosen), individuals[0].fitness
    metric = metric if whole is None else metric.beside(whole.value(metric.name))
    found = [lost_too_much(individuals), splits_apart(best, metric)]
    if options.max_drop is None or not is_sound(best, metric):
        found.append(far_under(best, individuals[0], metric))
    return [one for one in found if one]


def lost_too_much(individuals: Sequence[Individual]) -> str:
    """What helps where offspring had too little left to live, in words; nothing if nobody had."""
    reasons = [one.stillborn.partition(":")[0] for one in individuals]
    dead = {name: reasons.count(name) for name in (EXTINCT, DEAF) if name in reasons}
    if not dead:
        return ""
    told = " and ".join(f"{count} {name}" for name, count in dead.items())
    return (
        f"{sum(dead.values())} were stillborn ({told}), because each generation removes "
        "more than these layers can lose. Remove less per generation (a larger retention or share "
        "of the environment) over more generations, or the same share of every layer, by scope = "
        "'layer' of the environment or the encoding."
    )


def far_under(one: Individual, ancestor: Individual, metric: Metric) -> str:
    """What an individual has lost against the ancestor, in words, if that is much.

    Much is a tenth of what the ancestor reached where more is better, and half as much again where
    less is.
    """
    if not is_sound(one, metric):
        return (
            f"{one.id} is delivered although its {metric.name} is not finite, because no "
            "individual's is."
        )
    if not is_sound(ancestor, metric):
        return ""
    assert one.fitness is not None
    assert ancestor.fitness is not None
    found, before = one.fitness.validation[metric.name], ancestor.fitness.validation[metric.name]
    allowed = (FAR if metric.maximise else FAR_ABOVE) * abs(before.value)
    if metric.drop(found.value, before.value) <= allowed:
        return ""
    return (
        f"{one.id} is much worse than the ancestor: its {metric.name} is {metric.in_words(found)}, "
        f"the ancestor's {metric.in_words(before)}. With --max-drop, the smallest "
        "individual within the allowed loss is delivered."
    )


def splits_apart(one: Individual, metric: Metric) -> str:
    """That validation and test disagree by more than chance, in words."""
    if one.fitness is None or metric.name not in one.fitness.test or not metric.share:
        return ""
    seen, unseen = one.fitness.validation[metric.name], one.fitness.test[metric.name]
    error = math.hypot(seen.error or 0.0, unseen.error or 0.0)
    if abs(seen.value - unseen.value) <= max(APART, ERRORS * error):
        return ""
    return (
        f"{one.id} has {metric.name} {metric.in_words(seen)} on validation and "
        f"{metric.in_words(unseen)} on test, which is beyond chance. Check the examples and labels "
        "of both splits, and whether validation data are used in training."
    )
