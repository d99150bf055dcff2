"""Further saboteurs: the same checks, broken late, seldom, or on few networks only."""

from __future__ import annotations

import os
from typing import Any, ClassVar

import attrs
import numpy as np
import torch

from evoframe.plugin import (
    DNA,
    Encoding,
    Environment,
    Executor,
    Genes,
    Gradient,
    Heredity,
    Inheritance,
    Litter,
    Mutation,
    Nurture,
    Observer,
    Retention,
    doc,
    hookimpl,
)
from evoframe.testing import Specimen


def over(dna: DNA, change) -> DNA:
    return attrs.evolve(dna, synapses={n: change(genes) for n, genes in dna.synapses.items()})


@attrs.frozen
class Sower(Encoding):
    """Offers one synapse more where a large layer is nearly empty."""

    name: ClassVar[str] = "sower"

    def encode(self, inheritance, evidence, context):
        genes = {}
        for name, eligible in inheritance.eligible.items():
            if eligible.numel() > 1000 and 0 < int(eligible.sum()) < 9:
                eligible = eligible.clone()  # noqa: PLW2901
                eligible.view(-1)[torch.argmin(eligible.view(-1).int())] = True
            levels = torch.zeros_like(eligible, dtype=torch.int32)
            genes[name] = Genes(levels, np.zeros(1), eligible)
        return DNA(genes)


@attrs.frozen
class Reformer(Heredity):
    """Begins to round its parents' weights in generation 10."""

    name: ClassVar[str] = "reformer"

    def inherit(self, parents, context):
        one = parents[0].genotype
        if context.generation >= 10:
            for name in one.masks:
                one.state[name].mul_(0.5)
        return Inheritance(one.masks, one.strengths(), one.state)


@attrs.frozen
class Sprinter(Gradient):
    """Revives synapses in lives of seven epochs and more."""

    name: ClassVar[str] = "sprinter"

    def train(self, phenotype, context):
        result = super().train(phenotype, context)
        if self.epochs >= 7:
            for parameter in result.phenotype.network.parameters():
                parameter.data.add_(1e-4)
        return result


@attrs.frozen
class Overtime(Gradient):
    """Takes two epochs more than it is allowed to, if those are many."""

    name: ClassVar[str] = "overtime"

    def train(self, phenotype, context):
        longer = Gradient(epochs=self.epochs + 2 * (self.epochs > 5))
        return attrs.evolve(longer.train(phenotype, context), epochs=self.epochs)


@attrs.frozen
class Decade(Retention):
    """Keeps to its allowance for ten generations."""

    name: ClassVar[str] = "decade"

    def press(self, dna, inheritance, context):
        milder = attrs.evolve(self, retention=min(1.0, 1.5 * self.retention))
        return super(Decade, milder if context.generation > 11 else self).press(
            dna, inheritance, context
        )


@attrs.frozen
class Step(Retention):
    """Is harsher where its dial is a little above a half."""

    name: ClassVar[str] = "step"

    def press(self, dna, inheritance, context):
        harsher = attrs.evolve(self, retention=0.9 * self.retention)
        return super(Step, harsher if 0.60 < self.retention < 0.64 else self).press(
            dna, inheritance, context
        )


@attrs.frozen
class Dozens(Executor):
    """Loses one of seventeen jobs."""

    name: ClassVar[str] = "dozens"

    def map(self, live, jobs, send):
        for number, job in enumerate(jobs):
            if number != 16 or len(jobs) != 17:
                yield live(job, send)


@attrs.frozen(eq=False)
class Historian(Observer):
    """Corrects the record of what somebody has cost."""

    name: ClassVar[str] = "historian"

    @hookimpl
    def evoframe_individual_evaluated(self, event):
        object.__setattr__(event.individual, "stillborn", "by decree")


@attrs.frozen
class Wavering(Specimen):
    """Measures in another order every time."""

    name: ClassVar[str] = "wavering"

    def batches(self, split, *, shuffle=None, batch_size=None):
        batches = super().batches(split, shuffle=shuffle, batch_size=batch_size)
        if split != "test":
            return batches
        return [(x[order], y[order]) for x, y in batches for order in [torch.randperm(len(x))]]


@attrs.frozen
class Weary(Nurture):
    """Keeps a list of its own."""

    name: ClassVar[str] = "weary"
    seen: list = attrs.field(factory=list, init=False, repr=False, eq=False)

    def after_backward(self, phenotype, context, step):
        self.seen.append(step)


@attrs.frozen
class Numbered(Mutation):
    """Numbers its calls on its own class."""

    name: ClassVar[str] = "numbered"
    number: ClassVar[int] = 0

    def mutate(self, dna, inheritance, context):
        type(self).number += 1
        return dna


@attrs.frozen
class Dwindling(Specimen):
    """Draws from a generator of its module while it reads training data."""

    name: ClassVar[str] = "dwindling"

    def batches(self, split, *, shuffle=None, batch_size=None):
        torch.rand(1, generator=GENERATOR)
        return super().batches(split, shuffle=shuffle, batch_size=batch_size)


GENERATOR = torch.Generator().manual_seed(0)


@attrs.frozen
class Blight(Mutation):
    """Offers nothing any more where probabilities only rank."""

    name: ClassVar[str] = "blight"

    def mutate(self, dna, inheritance, context):
        return over(
            dna,
            lambda g: (
                attrs.evolve(g, eligible=torch.zeros_like(g.eligible))
                if len(g.log_survival) > 1 and float(g.log_survival[0]) < -1e3
                else g
            ),
        )


@attrs.frozen
class Sudden(Mutation):
    """Is well-behaved until its other mode is chosen."""

    name: ClassVar[str] = "sudden"
    wild: bool = attrs.field(default=False, metadata=doc("whether to add synapses as well"))

    def mutate(self, dna, inheritance, context):
        if not self.wild:
            return dna
        return over(dna, lambda g: attrs.evolve(g, eligible=torch.ones_like(g.eligible)))


@attrs.frozen
class Panic(Environment):
    """Ends the program."""

    name: ClassVar[str] = "panic"

    def press(self, dna, inheritance, context):
        raise SystemExit("an environment's own end")


@attrs.frozen
class Fidgeting(Mutation):
    """Counts in the state that it is lent, where the count is lost."""

    name: ClassVar[str] = "fidgeting"

    def begin(self, context):
        return {"calls": [0]}

    def mutate(self, dna, inheritance, context):
        context.state["calls"][0] += 1
        return dna


@attrs.frozen
class Selfish(Mutation):
    """Keeps what it has learned in itself, where no other process finds it."""

    name: ClassVar[str] = "selfish"
    _mine: list[int] = attrs.field(factory=list, init=False, repr=False, eq=False)

    def begin(self, context):
        return 0

    def learned(self, state, population):
        self._mine.append(len(population.individuals))
        return len(self._mine)

    def mutate(self, dna, inheritance, context):
        return dna


@attrs.frozen
class Forgetting(Mutation):
    """Learns, and does not say what."""

    name: ClassVar[str] = "forgetting"

    def begin(self, context):
        return [0]

    def learned(self, state, population):
        state.append(1)

    def mutate(self, dna, inheritance, context):
        return dna


@attrs.frozen
class Peeking(Litter):
    """Judges siblings by the examples that are there for selection."""

    name: ClassVar[str] = "peeking"

    def raise_one(self, brood, context):
        siblings = [brood.only(), brood.another()]
        losses = []
        for one in siblings:
            network = context.anatomy.develop(one.genotype).network.eval()
            (batch, *_) = context.task.batches("validation")
            losses.append(float(context.task.step(network, batch)))
        return brood.school(siblings[losses.index(min(losses))])


@attrs.frozen
class Greedy(Litter):
    """Has a sibling schooled that has everything."""

    name: ClassVar[str] = "greedy"

    def raise_one(self, brood, context):
        return brood.school(attrs.evolve(brood.only(), genotype=context.parents[0].genotype))


@attrs.frozen
class Whimsical(Litter):
    """Takes whom chance likes, and asks no key."""

    name: ClassVar[str] = "whimsical"

    def raise_one(self, brood, context):
        return brood.school([brood.only(), brood.another()][os.urandom(1)[0] % 2])


KINDS: list[tuple[str, Any]] = [
    ("covers_exactly_what_is_eligible", Sower()),
    ("leaves_its_arguments_alone", Reformer()),
    ("absent_synapses_stay_absent", Sprinter()),
    ("keeps_to_its_epochs", Overtime()),
    ("keeps_to_its_allowance", Decade()),
    ("more_of_its_dial_is_milder", Step()),
    ("lives_every_job_once", Dozens()),
    ("hears_a_run_to_its_end", Historian()),
    ("passes_over_a_split_repeat", Wavering()),
    ("keeps_nothing_between_calls", Weary()),
    ("keeps_nothing_between_calls", Numbered()),
    ("keeps_nothing_between_calls", Dwindling()),
    ("works_in_a_run", Blight()),
    ("answers_in_kind", Panic()),
    ("leaves_its_arguments_alone", Fidgeting()),
    ("learns_the_same_again", Selfish()),
    ("learns_the_same_again", Forgetting()),
    ("reads_only_the_splits_that_it_may", Peeking()),
    ("answers_in_kind", Greedy()),
    ("is_a_function_of_its_arguments", Whimsical()),
]
"""Checks, and strategies that break them where a few quick cases would not show it."""
