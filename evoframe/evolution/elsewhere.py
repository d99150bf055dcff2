"""Elsewhere: a life whose training is in other hands, in two halves: before it, and after it."""

from __future__ import annotations

from collections.abc import Mapping

import attrs
from torch import Tensor

from evoframe.costs.bytes import costs_in_bits
from evoframe.errors import StillbornError
from evoframe.evolution.birth import Birth, Newborn, grown, passed_on, stillborn
from evoframe.evolution.conception import Conception, with_remarks
from evoframe.evolution.generation import Recall, conceive, of_birth
from evoframe.evolution.growing_up import (
    NOTHING_HEARD,
    Judgement,
    come_home,
    developed,
    examined,
)
from evoframe.evolution.hearing import overheard, require_hearing
from evoframe.evolution.strategies import Strategies
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
        conception: its life so far.
        masks: what it was born with, in the ancestor's coordinates.
        phenotype: the network.
        costs: its sizes.
    """

    birth: Birth
    origin: Origin
    conception: Conception
    masks: Masks
    phenotype: Phenotype
    costs: Mapping[str, float]


@attrs.frozen(eq=False)
class Begun:
    """Somebody of whom there is a genotype, and no network yet.

    Attributes:
        birth: who it is.
        origin: how it came to be.
        genotype: as it was drawn.
        conception: its life so far.
    """

    birth: Birth
    origin: Origin
    genotype: Genotype
    conception: Conception


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
    conception = Conception.of(strategies, of_birth(birth, strategies, run, parents))
    try:
        genotype = conceive(conception).genotype
    except StillbornError as reason:
        return lost(birth, reason, conception)
    return Begun(birth, Origin.OFFSPRING, genotype, conception)


def lost(birth: Birth, reason: StillbornError, conception: Conception) -> Newborn:
    """Return somebody who could not live, with what is to be told of their conception."""
    dead = stillborn(birth, str(reason), conception.watch.notes)
    return with_remarks(dead, conception.pressure)


def unschooled(one: Begun, within: Tensor | None = None) -> Unschooled:
    """Return the network of a genotype, to be trained elsewhere.

    Args:
        one: whose it is.
        within: channels that the network has as well.
    """
    context, genotype = one.conception.context, one.genotype
    phenotype, costs = developed(genotype, context, within=within), context.anatomy.costs(genotype)
    return Unschooled(one.birth, one.origin, one.conception, genotype.masks, phenotype, costs)


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
    conception, watch = one.conception, one.conception.watch
    try:
        genotype = come_home(watch.noted(result), one.masks, training, conception.context)
        judged = _judged(genotype, conception, found)
        require_hearing(judged.heard, conception.context)
    except StillbornError as reason:
        return lost(one.birth, reason, conception)
    newborn = grown(one.birth, one.origin, genotype, judged.fitness, watch.notes)
    if one.origin is Origin.ANCESTOR and judged.heard.is_deaf:
        newborn = attrs.evolve(newborn, remarks=(NOTHING_HEARD,))
    return with_remarks(newborn, conception.pressure)


def _judged(genotype: Genotype, conception: Conception, found: Metrics | None) -> Judgement:
    context, notes = conception.context, conception.watch.notes
    if found is None:
        return examined(genotype, context, notes)
    costs = costs_in_bits(context.anatomy, genotype, notes)
    fitness = Fitness(found["validation"], found.get("test", {}), costs)
    return Judgement(fitness, overheard(genotype, context))
