"""Elsewhere: a life whose training is in other hands, in two halves: before it, and after it."""

from __future__ import annotations

from collections.abc import Mapping

import attrs
from torch import Tensor

from evoframe.costs.bytes import costs_in_bits
from evoframe.errors import StillbornError
from evoframe.evolution.birth import Birth, Newborn, grown, passed_on, stillborn
from evoframe.evolution.conception import Pressed, with_remarks
from evoframe.evolution.generation import Recall, conceive, of_birth
from evoframe.evolution.growing_up import come_home, developed, measured
from evoframe.evolution.strategies import Strategies
from evoframe.evolution.watch import Watch
from evoframe.kernel.context import Context
from evoframe.kernel.genotype import Genotype, Masks
from evoframe.kernel.individual import Fitness, Measurement, Origin
from evoframe.kernel.life import TrainingResult
from evoframe.kernel.phenotype import Phenotype
from evoframe.roles.training import Training


@attrs.frozen(eq=False)
class Unschooled:
    """A newborn network that somebody else trains.

    Attributes:
        birth: who it is.
        origin: how it came to be.
        context: of its life.
        watch: has the notes of its life so far.
        masks: what it was born with, in the ancestor's coordinates.
        phenotype: the network.
        costs: its sizes.
        pressed: what environments have promised and left.
    """

    birth: Birth
    origin: Origin
    context: Context
    watch: Watch
    masks: Masks
    phenotype: Phenotype
    costs: Mapping[str, float]
    pressed: tuple[Pressed, ...] = ()


@attrs.frozen(eq=False)
class Begun:
    """Somebody of whom there is a genotype, and no network yet.

    Attributes:
        birth: who it is.
        origin: how it came to be.
        genotype: as it was drawn.
        context: of its life.
        watch: has the notes of its life so far.
        pressed: what environments have promised and left.
    """

    birth: Birth
    origin: Origin
    genotype: Genotype
    context: Context
    watch: Watch
    pressed: tuple[Pressed, ...] = ()


Metrics = Mapping[str, Mapping[str, Measurement]]
"""What was measured elsewhere, by split: ``validation`` and, if anybody knows, ``test``."""


def born(
    birth: Birth, strategies: Strategies, run: Context, recall: Recall
) -> Unschooled | Newborn:
    """Return somebody to be trained elsewhere; elites and stillborn, who are not, as they are.

    Args:
        birth: who it is.
        strategies: those that act before training.
        run: the context of its generation.
        recall: fetches its parents.
    """
    found = begun(birth, strategies, run, recall)
    return found if isinstance(found, Newborn) else unschooled(found)


def begun(birth: Birth, strategies: Strategies, run: Context, recall: Recall) -> Begun | Newborn:
    """Return somebody who is to be grown; arguments and others as for :func:`born`."""
    parents = tuple(recall(parent) for parent in birth.family.parents)
    if birth.family.elite:
        return passed_on(birth, parents[0])
    context = of_birth(birth, strategies, run, parents)
    watch, pressed = Watch(context, strict=strategies.strict), list[Pressed]()
    try:
        genotype = conceive(strategies, context, watch, pressed).genotype
    except StillbornError as reason:
        return with_remarks(stillborn(birth, str(reason), watch.notes), pressed)
    return Begun(birth, Origin.OFFSPRING, genotype, context, watch, tuple(pressed))


def unschooled(one: Begun, within: Tensor | None = None) -> Unschooled:
    """Return the network of a genotype, to be trained elsewhere.

    Args:
        one: whose it is.
        within: channels that the network has as well.
    """
    context, genotype = one.context, one.genotype
    phenotype, costs = developed(genotype, context, within=within), context.anatomy.costs(genotype)
    return Unschooled(
        one.birth, one.origin, context, one.watch, genotype.masks, phenotype, costs, one.pressed
    )


def schooled(
    one: Unschooled, training: Training, result: TrainingResult, found: Metrics | None
) -> Newborn:
    """Return an individual whose training is over.

    Args:
        one: as it was handed out.
        training: who stands for the training in the recipe.
        result: the trained network.
        found: what was measured of it; it is measured here if nobody did.
    """
    context = one.context
    try:
        genotype = come_home(one.watch.noted(result), one.masks, training, context)
        fitness = _fitness(genotype, one, found)
    except StillbornError as reason:
        return with_remarks(stillborn(one.birth, str(reason), one.watch.notes), one.pressed)
    newborn = grown(one.birth, one.origin, genotype, fitness, one.watch.notes)
    return with_remarks(newborn, one.pressed)


def _fitness(genotype: Genotype, one: Unschooled, found: Metrics | None) -> Fitness:
    if found is None:
        return measured(genotype, one.context, one.watch.notes)
    costs = costs_in_bits(one.context.anatomy, genotype, one.watch.notes)
    return Fitness(found["validation"], found.get("test", {}), costs)
