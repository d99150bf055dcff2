"""A mutation whose option is infinite unless somebody says otherwise: nothing is wrong with it.

Right: conforms. TOML has inf, and a recipe can say it.
"""

from __future__ import annotations

import math

import attrs

from evoframe.plugin import Mutation, doc, hookimpl

EXPECT = "conforms"


@attrs.frozen
class Ceiling(Mutation):
    """No level above a ceiling."""

    name = "ceiling"
    most: float = attrs.field(default=math.inf, metadata=doc("the highest level, inf for any"))

    def mutate(self, dna, inheritance, context):
        if math.isinf(self.most):
            return dna
        lowered = {
            name: attrs.evolve(genes, levels=genes.levels.clamp(max=int(self.most)))
            for name, genes in dna.synapses.items()
        }
        return attrs.evolve(dna, synapses=lowered)


@hookimpl
def evoframe_mutations():
    return [Ceiling]
