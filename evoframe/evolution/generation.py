"""The life of a generation, from selection to fitness: read this file first.

Strategies, the task and the anatomy come in as values; nothing here knows of plugins, files,
clocks, consoles or processes. Every strategy call is sealed: it may use global randomness, and
draws the same numbers whatever ran before it.
"""

from __future__ import annotations

from functools import partial
from typing import Protocol

import attrs

from evoframe.errors import StillbornError
from evoframe.evolution.birth import Birth, Newborn, grown, passed_on, stillborn
from evoframe.evolution.blame import acting
from evoframe.evolution.companions import Watched
from evoframe.evolution.conception import Conception, with_remarks
from evoframe.evolution.contract import require_families
from evoframe.evolution.growing_up import Conceived, grow_up, measured, of_ancestor, require_finite
from evoframe.evolution.nursery import raise_litter
from evoframe.evolution.strategies import Strategies
from evoframe.evolution.synthesis import drawn, settled
from evoframe.evolution.telling import step, tell_drawn
from evoframe.evolution.watch import Watch
from evoframe.kernel.context import Context, Parent
from evoframe.kernel.dna import Inheritance
from evoframe.kernel.drawing.synthesis import furnished
from evoframe.kernel.genotype import Genotype, cleared
from evoframe.kernel.individual import Origin
from evoframe.kernel.key import sealed
from evoframe.kernel.life import Life
from evoframe.kernel.population import Family, Population
from evoframe.kernel.splits import parent_without_test, without_test
from evoframe.roles.selection import Selection
from evoframe.roles.training import Training


class Recall(Protocol):
    """Fetches past individuals with their genotypes."""

    def __call__(self, identity: str) -> Parent:
        """Return a living individual of this run by its id."""


def births(population: Population, selection: Selection, context: Context) -> tuple[Birth, ...]:
    """Return the births of a generation: one for each family that is selected.

    Args:
        population: whom to select from.
        selection: who selects.
        context: the run, with the key of the generation.
    """
    selecting, shown = context.at("selection"), without_test(population)
    with sealed(selecting.key), acting(selection, context):
        families = selection.select(shown, selecting)
        require_families(families, population, selection.families_for(shown))
    return tuple(
        # The step is called "slot" for ever: it is hashed, and another word would be another draw.
        Birth(context.generation, place, family, context.key.at("slot", place))
        for place, family in enumerate(families)
    )


def live(birth: Birth, strategies: Strategies, run: Context, recall: Recall) -> Newborn:
    """Return one individual after its whole life: conceived, grown, trained and measured.

    Args:
        birth: who it is.
        strategies: those that act in its life.
        run: the context of its generation.
        recall: fetches its parents.
    """
    parents = tuple(recall(parent) for parent in birth.family.parents)
    if birth.family.elite:
        return passed_on(birth, parents[0])
    context = of_birth(birth, strategies, run, parents)
    del parents  # the context has them, until the conception rests
    before = context.life.bookmark.load()
    if before is not None:
        context = attrs.evolve(context, notes=before[1])
    conception = Conception.of(strategies, context)
    del context
    try:
        genotype = _trained(conception, None if before is None else before[0])
        conception.rest()  # the weights of parents make room for the network
        fitness = measured(genotype, conception.context, conception.watch.notes)
        newborn = grown(birth, Origin.OFFSPRING, genotype, fitness, conception.watch.notes)
    except StillbornError as reason:
        newborn = stillborn(birth, str(reason), conception.watch.notes)
    newborn = with_remarks(newborn, conception.pressure)
    return attrs.evolve(newborn, looks=tuple(conception.looks))


def _trained(conception: Conception, taken_up: Genotype | None) -> Genotype:
    """Return the genotype of an offspring after its training; who was put down is taken up."""
    strategies, context = conception.strategies, conception.context
    if strategies.litter is not None:
        return raise_litter(strategies.litter, conception)
    # The newborn has no name here, so that its weights are free once a network has them.
    return grow_up(
        conceive(conception) if taken_up is None else Conceived(taken_up.to(context.device)),
        strategies.training,
        context,
        conception.watch,
        strategies.states.get("training"),
    )


def of_birth(
    birth: Birth, strategies: Strategies, run: Context, parents: tuple[Parent, ...]
) -> Context:
    """Return the context of a life, with those who take part in it."""
    companions = tuple(Watched(one, index) for index, one in enumerate(strategies.nurture))
    foresight = partial(foresee, strategies)
    life = attrs.evolve(run.life, companions=companions, foresight=foresight)
    # An elite has its results on the test split; whoever decides here sees none.
    context = birth.context(run, tuple(map(parent_without_test, parents)))
    return attrs.evolve(context, life=life)


def conceive(conception: Conception) -> Conceived:
    """Return the settled genotype of an offspring: heredity, DNA, mutation, pressure, draw.

    Raises:
        StillbornError: nothing that was drawn reaches the output of the network.
    """
    found = _synthesised(conception, conception.inheritance())
    tell_drawn(found.genotype, conception.context)
    return found


def foresee(strategies: Strategies, genotype: Genotype, context: Context) -> Genotype:
    """Return the genotype that an only child would be born with, in the next generation.

    Args:
        strategies: those of the run; heredity has nothing to decide with a single parent.
        genotype: of the parent as it is now, in the midst of its life.
        context: of the parent's life, with the key of the draw.

    Raises:
        StillbornError: nothing that was drawn reaches the output of the network.
    """
    inheritance = Inheritance(
        genotype.masks, genotype.strengths(), cleared(genotype.state, genotype.masks)
    )
    # A life of its own, of which nobody is told.
    child = attrs.evolve(context, generation=context.generation + 1, life=Life())
    unwatched = Conception(strategies, child, Watch(child, strict=False))
    return _synthesised(unwatched, inheritance).genotype


def _synthesised(conception: Conception, inheritance: Inheritance) -> Conceived:
    """Return the settled genotype that is drawn from an inheritance under pressure."""
    dna, context = conception.dna(inheritance), conception.context
    with step("synthesis", context):
        state = furnished(inheritance, dna.weights)
        masks = drawn(dna, state, context, conception.most)
        conception.watch.forget("DNA", "inheritance")
        del dna  # as large as the weights, which come next
        genotype = settled(masks, state, inheritance.eligible, context)
        return Conceived.of(genotype, state)


def raise_ancestor(genotype: Genotype, training: Training | None, context: Context) -> Newborn:
    """Return the ancestor: trained first unless it came trained, then measured as it is.

    Args:
        genotype: the ancestor as its task made it.
        training: how to train it; None if it came trained.
        context: the run, with the key of the first generation.

    Raises:
        StillbornError: training broke down.
    """
    birth = Birth(context.generation, 0, Family(()), context.key.at("slot", 0))
    context = birth.context(context, ())
    watch = Watch(context, strict=True)
    require_finite(genotype, genotype.state)
    if training is not None:
        genotype = grow_up(Conceived(genotype), training, context, watch)
    fitness, remarks = of_ancestor(genotype, context, watch.notes)
    ancestor = grown(birth, Origin.ANCESTOR, genotype, fitness, watch.notes)
    return attrs.evolve(ancestor, remarks=remarks)
