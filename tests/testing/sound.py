"""Sound strategies that a hasty check would accuse."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from typing import Any, ClassVar

import attrs
import numpy as np
import torch

from evoframe.plugin import (
    DNA,
    Encoding,
    Environment,
    Family,
    FrozenDict,
    Genes,
    Gradient,
    Mutation,
    Nurture,
    Selection,
    doc,
    log_multiplier,
    scaled,
)

TABLES: dict[int, np.ndarray] = {}


@functools.cache
def grid(levels: int) -> np.ndarray:
    return np.linspace(-1.0, 0.0, levels)


@attrs.frozen
class Thrifty(Encoding):
    """Makes its table once, and keeps it."""

    name: ClassVar[str] = "thrifty"
    traits: ClassVar[frozenset[str]] = frozenset({"deterministic"})
    levels: int = attrs.field(default=64, metadata=doc("how many levels there are"))

    def encode(self, inheritance, evidence, context):
        table = TABLES.setdefault(self.levels, grid(self.levels))
        genes = {}
        for name, eligible in inheritance.eligible.items():
            strength = inheritance.strengths[name].abs()
            share = strength / (strength.max() if bool(strength.any()) else 1.0)
            levels = (share * (self.levels - 1)).round().to(torch.int32)
            genes[name] = Genes(levels, table, eligible)
        return DNA(genes)


@attrs.frozen
class Lightning(Mutation):
    """Strikes one offspring in a thousand."""

    name: ClassVar[str] = "lightning"
    traits: ClassVar[frozenset[str]] = frozenset({"stochastic"})
    rate: float = attrs.field(default=0.001, metadata=doc("share of offspring that are struck"))

    def mutate(self, dna, inheritance, context):
        if context.key.at("strike").words(1)[0] >= self.rate * 2**32:
            return dna
        return attrs.evolve(dna, synapses={n: _turned(g) for n, g in dna.synapses.items()})


def _turned(genes: Genes) -> Genes:
    return attrs.evolve(genes, levels=len(genes.log_survival) - 1 - genes.levels)


@attrs.frozen
class Weather(Mutation):
    """Is the same for all layers: one number for each offspring."""

    name: ClassVar[str] = "weather"
    traits: ClassVar[frozenset[str]] = frozenset({"stochastic"})

    def mutate(self, dna, inheritance, context):
        loss = float(context.key.at("weather").words(1)[0]) / 2**32
        synapses = {
            name: attrs.evolve(genes, log_survival=scaled(genes.log_survival, -loss))
            for name, genes in dna.synapses.items()
        }
        return attrs.evolve(dna, synapses=synapses)


@attrs.frozen
class ByLayer(Environment):
    """Shares of layers by their names, and all of the others."""

    name: ClassVar[str] = "by-layer"
    shares: Mapping[str, float] = attrs.field(
        factory=lambda: FrozenDict({"0.weight": 0.5}),
        converter=FrozenDict,
        metadata=doc("share that lives, by parameter"),
    )
    most: float = attrs.field(default=math.inf, metadata=doc("the largest share"))

    def press(self, dna, inheritance, context):
        pressed = dict(dna.synapses)
        for name in self.shares.keys() & pressed.keys():
            genes, share = pressed[name], min(self.shares[name], self.most)
            wanted = share * int(inheritance.eligible[name].sum())
            factor = log_multiplier([genes.histogram()], [genes.log_survival], wanted)
            pressed[name] = attrs.evolve(genes, log_survival=scaled(genes.log_survival, factor))
        return attrs.evolve(dna, synapses=pressed)


@attrs.frozen
class Patient(Gradient):
    """Stops when the loss has not fallen for an epoch: at most as long as it is allowed to."""

    name: ClassVar[str] = "patient"

    def train(self, phenotype, context):
        # From the start each time, since one call of Gradient is one whole life.
        result = Gradient(epochs=1, schedule="constant").train(phenotype, context)
        return attrs.evolve(result, epochs=1)


@attrs.frozen
class Thaw(Nurture):
    """Freezes the first parameter for an epoch, and gives it back."""

    name: ClassVar[str] = "thaw"

    def before_epoch(self, phenotype, context, epoch):
        next(phenotype.network.parameters()).requires_grad_(epoch > 0)

    def after_epoch(self, phenotype, context, epoch):
        next(phenotype.network.parameters()).requires_grad_(True)
        return phenotype


@attrs.frozen
class Dynasty(Selection):
    """Nobody dies who is among the best: elites first, then their children."""

    name: ClassVar[str] = "dynasty"
    elites: int = attrs.field(default=2, metadata=doc("how many live on"))

    def select(self, population, context):
        best = population.ranked(population.sound())
        kept = [Family((one.id,), elite=True) for one in best[: self.elites]][: population.size]
        child = Family((best[0].id,) * population.parents)
        return (*kept, *[child] * (population.size - len(kept)))


@attrs.frozen
class Annealing(Mutation):
    """Lowers levels less and less, and each family by a share that it inherits."""

    name: ClassVar[str] = "annealing"

    def begin(self, context):
        return {"heat": 1.0, "trail": (torch.zeros(2), None)}

    def learned(self, state, population):
        carried = [one.notes["share"] for one in population.individuals if "share" in one.notes]
        heat = state["heat"] * (0.9 if carried else 0.95)
        return {"heat": heat, "trail": [torch.tensor(carried), len(population.stillborn)]}

    def mutate(self, dna, inheritance, context):
        drawn = torch.rand((), generator=context.key.generator())
        share = (context.notes.get("share", 0.5) + float(drawn)) / 2
        shift = share * context.state["heat"]
        synapses = {
            name: attrs.evolve(genes, log_survival=genes.log_survival - shift)
            for name, genes in dna.synapses.items()
        }
        return attrs.evolve(dna, synapses=synapses, notes={"share": share})


SOUND: list[Any] = [
    Thrifty(), Lightning(), Weather(), ByLayer(), ByLayer(shares={}), Patient(), Thaw(), Dynasty(),
    Annealing(),
]  # fmt: skip
