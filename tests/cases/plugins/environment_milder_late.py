"""An environment that forgets its allowance after generation 3.

Right: keeps_to_its_allowance fails in a later generation: cases are of generations from 2 to some
tens.
"""

from __future__ import annotations

import math

import attrs

from evoframe.plugin import Environment, doc, hookimpl, scaled

EXPECT = "caught"


@attrs.frozen
class Amnesty(Environment):
    """A share of what is eligible lives."""

    name = "amnesty"
    dial = "share"
    share: float = attrs.field(default=0.5, metadata=doc("how much lives"))

    def allowance(self, inheritance, context):
        return self.share * sum(int(mask.sum()) for mask in inheritance.eligible.values())

    def press(self, dna, inheritance, context):
        share = self.share
        if context.generation > 3:
            share = min(1.0, share * 1.9)
        factor = math.log(share) if share else -math.inf
        pressed = {
            name: attrs.evolve(genes, log_survival=scaled(genes.log_survival, factor))
            for name, genes in dna.synapses.items()
        }
        return attrs.evolve(dna, synapses=pressed)


@hookimpl
def evoframe_environments():
    return [Amnesty]
