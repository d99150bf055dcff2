"""Cases: a context for a strategy, said in so few words that the smallest can be read."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import zip_longest
from typing import Literal

import attrs
import torch
from torch import Tensor

from evoframe.anatomy import Anatomy
from evoframe.kernel.context import Context, Parent
from evoframe.kernel.dna import DNA, Inheritance
from evoframe.kernel.evidence import Evidence
from evoframe.kernel.genotype import Genotype, masked
from evoframe.kernel.individual import (
    Fitness,
    Individual,
    Measurement,
    Metric,
    Origin,
    identifier,
)
from evoframe.kernel.key import Key, sealed
from evoframe.kernel.life import Life
from evoframe.kernel.notes import NONE, Notes
from evoframe.kernel.phenotype import Phenotype
from evoframe.kernel.population import Family, Population
from evoframe.kernel.settling import is_extinct, settle
from evoframe.roles import Encoding, Nurture, Task
from evoframe.strategies.encoding.cluster import Cluster
from evoframe.strategies.encoding.magnitude import Magnitude
from evoframe.strategies.encoding.synaptic import Synaptic
from evoframe.testing.specimens import Specimen, body_plan

Law = Literal["soft", "ranked", "clustered"]

READERS: dict[Law, Encoding] = {
    "soft": Synaptic(temperature=0.5),
    "ranked": Magnitude(),
    "clustered": Cluster(of="filter"),
}
"""The encodings that give cases their DNA."""


@attrs.frozen
class Case:
    """A specimen, parents that have lost some of its synapses, and a key.

    Attributes:
        specimen: the network and its data.
        share: how many of the ancestor's synapses each parent has kept, 0 to 1.
        law: how the DNA of :meth:`dna` is encoded.
        key: the source of randomness.
        device: where tensors are.
        generation: the one that is being made.
        epochs: how long a life is; as long as its training says if not given.
        task: what takes the place of the specimen, with the same network.
        test: what parents have reached on the test split.
        notes: what parents carry, and so the offspring.
    """

    specimen: Specimen = attrs.field(factory=Specimen)
    share: float = 0.5
    law: Law = "soft"
    key: Key = attrs.field(default=Key(0))
    device: str = "cpu"
    generation: int = 2
    epochs: int | None = None
    task: Task | None = attrs.field(default=None, repr=False)
    test: Mapping[str, Measurement] = attrs.field(factory=dict, repr=False)
    notes: Notes = attrs.field(default=NONE, converter=Notes)

    @property
    def anatomy(self) -> Anatomy:
        """The surveyed network of the specimen."""
        return body_plan(self.specimen, self.device)

    def context(self, *, parents: int = 1, life: Life | None = None) -> Context:
        """Return the context of a birth, from a trained ancestor and its first weights.

        Args:
            parents: how many parents it has; with none it is that of a selection.
            life: what its training is given; a silent life if nothing is said.
        """
        device, family = torch.device(self.device), self.parents(parents)
        # Another key than the surveyed network's: first weights must be told from trained ones.
        with sealed(Key(1).at("specimen")):
            initial = self.specimen.ancestor(Key(1)).state_dict()
        return Context(
            ancestor=self.anatomy.genotype().to(device),
            initial={name: value.detach().to(device) for name, value in initial.items()},
            anatomy=self.anatomy,
            task=self.task or self.specimen,
            device=device,
            generation=self.generation,
            key=self.key,
            id=identifier(self.generation, 0) if family else "",
            family=Family(tuple(one.individual.id for one in family)),
            parents=family,
            life=life or Life(),
            notes=self.notes if family else NONE,
        )

    def genotype(self, index: int = 0) -> Genotype:
        """Return the settled genotype of a parent; parents of different indices differ."""
        device, wiring = torch.device(self.device), self.anatomy.wiring
        whole, generator = self.anatomy.genotype().to(device), Key(index).at("parent").generator()
        scores = {
            name: torch.rand(mask.shape, generator=generator).to(mask.device)
            for name, mask in whole.masks.items()
        }
        state = {name: _shifted(value, generator) for name, value in whole.state.items()}
        share = self.share
        while share < 1:
            masks = {name: score < share for name, score in scores.items()}
            thinned = settle(Genotype(masks, state), wiring)
            if not is_extinct(thinned.masks):
                return thinned
            share *= 1.5  # nobody descends from the dead: the sparsest that lives
        return settle(Genotype(whole.masks, state), wiring)

    def parents(self, count: int) -> tuple[Parent, ...]:
        """Return so many different parents."""
        return tuple(Parent(self._parent(index), self.genotype(index)) for index in range(count))

    def clones(self, count: int) -> tuple[Parent, ...]:
        """Return so many parents with one and the same genotype."""
        return (Parent(self._parent(0), self.genotype()),) * count

    def _parent(self, index: int) -> Individual:
        before = max(2, self.generation - 1)
        one = an_individual(index, 0.5, generation=before, test=self.test)
        return attrs.evolve(one, notes=self.notes)

    def inheritance(self) -> Inheritance:
        """Return the inheritance of an offspring of one parent."""
        parent = self.genotype()
        state = masked(parent.state, parent.masks)
        return Inheritance(parent.masks, parent.strengths(), state)

    def evidence(self, inheritance: Inheritance) -> Evidence:
        """Return the evidence that an encoding may ask about an inheritance."""
        return Evidence(inheritance, self.context().at("evidence"))

    def dna(self) -> DNA:
        """Return the inheritance as DNA, by the law of the case."""
        inheritance = self.inheritance()
        return READERS[self.law].encode(inheritance, self.evidence(inheritance), self.context())

    def life(self, *companions: Nurture) -> Life:
        """Return a life with companions, of which it is known what its offspring would lose."""
        return Life(companions=companions, foresight=self._offspring)

    def _offspring(self, genotype: Genotype, context: Context) -> Genotype:
        """Return the genotype that is left if half of the rows that write channels leave."""
        generator = context.key.at("offspring").generator()
        masks = {}
        for name, mask in genotype.masks.items():
            shape = [-1, *[1] * (mask.ndim - 1)]
            rows = torch.rand(len(mask), generator=generator).to(mask.device) < 0.5
            masks[name] = mask & rows.reshape(shape)
        return settle(Genotype(masks, genotype.state), self.anatomy.wiring)

    def phenotype(self) -> Phenotype:
        """Return the newborn network of a parent's genotype, made anew by every call."""
        return self.anatomy.develop(self.genotype())


@attrs.frozen
class Choice:
    """A generation to choose from, said in its accuracies, and how many are to be born.

    Attributes:
        accuracies: the primary metric of each individual; may be NaN.
        size: families that are wanted.
        parents: parents of each.
        key: the source of randomness.
        generation: that of the individuals.
        test: what they have reached on the test split.
        notes: what each of them carries; nobody anything if not given.
    """

    accuracies: tuple[float, ...] = (0.5, 0.75)
    size: int = 2
    parents: int = 1
    key: Key = attrs.field(default=Key(0))
    generation: int = 2
    test: Mapping[str, Measurement] = attrs.field(factory=dict, repr=False)
    notes: tuple[Notes, ...] = ()

    def individuals(self) -> tuple[Individual, ...]:
        """Return the individuals in order of their places."""
        found = [
            an_individual(place, value, generation=self.generation, test=self.test)
            for place, value in enumerate(self.accuracies)
        ]
        told = zip_longest(found, self.notes[: len(found)], fillvalue=NONE)
        return tuple(attrs.evolve(one, notes=notes) for one, notes in told)  # type: ignore[misc]

    def population(self, individuals: tuple[Individual, ...] | None = None) -> Population:
        """Return the population, or the same with its individuals in another order."""
        group = self.individuals() if individuals is None else individuals
        return Population(group, group, self.size, self.parents, Metric("accuracy"))

    def context(self) -> Context:
        """Return the context of the selection."""
        return Case(key=self.key, generation=self.generation + 1).context(parents=0)

    def lost(self) -> frozenset[str]:
        """Return the ids of those whose metric is NaN while somebody else's is not."""
        nan = {one.id for one in self.individuals() if math.isnan(one.fitness.value("accuracy"))}  # type: ignore[union-attr]
        return frozenset(nan if len(nan) < len(self.accuracies) else ())


def an_individual(
    place: int,
    accuracy: float,
    *,
    generation: int = 2,
    test: Mapping[str, Measurement] | None = None,
) -> Individual:
    """Return an individual with costs that depend on its place."""
    # Neither rising nor falling with the place, so that sorting by size and by place differ.
    size = float(10 + place * 7 % 5)
    costs = {
        "synapses": size,
        "bundles": size,
        "parameters": 2 * size,
        "bytes": 8 * size,
        "flops": 4 * size,
        "activations": 16 * size,
    }
    measured = {"accuracy": Measurement(accuracy), "loss": Measurement(1 - accuracy)}
    who, parent = identifier(generation, place), identifier(generation - 1, 0)
    fitness = Fitness(measured, {} if test is None else test, costs)
    return Individual(who, generation, place, (parent,), Origin.OFFSPRING, "0", who, fitness)


def _shifted(value: Tensor, generator: torch.Generator) -> Tensor:
    if not value.is_floating_point():
        return value
    noise = torch.rand(value.shape, generator=generator).to(value)
    return value + 0.05 * noise  # upwards, because a variance must stay positive
