"""A mutation that draws the same numbers for every layer: it never gives the key a path.

Right: caught: parameters of one shape get other draws (key.at(name)), as siblings do.
"""

from __future__ import annotations

import attrs
import torch

from evoframe.plugin import Mutation, doc, hookimpl

EXPECT = "caught"


@attrs.frozen
class Stencil(Mutation):
    """Sends some levels to 0."""

    name = "stencil"
    dial = "rate"
    rate: float = attrs.field(default=0.3, metadata=doc("share of levels that are hit"))
    traits = frozenset({"stochastic"})

    def mutate(self, dna, inheritance, context):
        mutated = {}
        for name, genes in dna.synapses.items():
            draws = torch.from_numpy(context.key.words(genes.levels.numel()).astype("int64"))
            hit = (draws < self.rate * 2**32).reshape(genes.levels.shape).to(genes.levels.device)
            mutated[name] = attrs.evolve(genes, levels=genes.levels.masked_fill(hit, 0))
        return attrs.evolve(dna, synapses=mutated)


@hookimpl
def evoframe_mutations():
    return [Stencil]
