"""Noise: random perturbation of DNA levels, so that weak synapses sometimes outrank strong ones."""

from __future__ import annotations

from typing import ClassVar

import attrs
import torch

from evoframe.kernel.context import Context
from evoframe.kernel.dna import DNA, Genes, Inheritance
from evoframe.kernel.key import Key
from evoframe.roles import Mutation, doc


@attrs.frozen
class Noise(Mutation):
    """Adds Gaussian noise to the level of every gene."""

    name: ClassVar[str] = "noise"
    traits: ClassVar[frozenset[str]] = frozenset({"stochastic"})
    dial: ClassVar[str] = "strength"

    strength: float = attrs.field(
        default=0.02,
        validator=attrs.validators.ge(0),
        metadata=doc("standard deviation of the noise, as a share of the grid of levels"),
    )

    def mutate(self, dna: DNA, inheritance: Inheritance, context: Context) -> DNA:
        """Return DNA whose levels have moved; none leaves the grid, no synapse is added."""
        if self.strength == 0:
            return dna
        synapses = {
            name: self._moved(genes, context.key.at("synapses", name))
            for name, genes in dna.synapses.items()
        }
        clusters = dna.clusters
        if clusters is not None:
            moved = self._moved(clusters.genes, context.key.at("clusters"))
            clusters = attrs.evolve(clusters, genes=moved)
        return attrs.evolve(dna, synapses=synapses, clusters=clusters)

    def _moved(self, genes: Genes, key: Key) -> Genes:
        top = len(genes.log_survival) - 1
        # Drawn on the CPU whatever the device, so that the DNA is the same everywhere.
        noise = torch.randn(genes.levels.shape, generator=key.generator(), dtype=torch.float64)
        shift = torch.round(noise * (self.strength * top)).to(genes.levels.device)
        levels = torch.clamp(genes.levels + shift, 0, top).to(torch.int32)
        return attrs.evolve(genes, levels=levels)
