"""A mutation that is stochastic, and strikes one offspring in a hundred: nothing is wrong with it.

Right: conforms: enough keys are tried for a rare event, or the trait says no more than it must.
"""

from __future__ import annotations

import attrs

from evoframe.plugin import Mutation, doc, hookimpl

EXPECT = "conforms"


@attrs.frozen
class Lightning(Mutation):
    """Seldom, the levels of one layer are turned upside down."""

    name = "lightning"
    dial = "rate"
    rate: float = attrs.field(default=0.01, metadata=doc("share of offspring that are struck"))
    traits = frozenset({"stochastic"})

    def mutate(self, dna, inheritance, context):
        if context.key.at("strike").words(1)[0] >= self.rate * 2**32:
            return dna
        names = sorted(dna.synapses)
        hit = names[int(context.key.at("where").words(1)[0]) % len(names)]
        genes = dna.synapses[hit]
        turned = attrs.evolve(genes, levels=len(genes.log_survival) - 1 - genes.levels)
        return attrs.evolve(dna, synapses={**dna.synapses, hit: turned})


@hookimpl
def evoframe_mutations():
    return [Lightning]
