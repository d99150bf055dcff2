"""An environment that counts its calls in a list of its module, and is harder every 500th time.

Right: caught: what a strategy's module holds grows with every call. The kit compares it after one
call and after ten, and names the variable, however late the count matters. (A cache that is filled
once is no fault.)
"""

from __future__ import annotations

import math

import attrs

from evoframe.plugin import Environment, doc, hookimpl, scaled

EXPECT = "caught"
CALLS = []


@attrs.frozen
class Moody(Environment):
    """A share of what is eligible lives."""

    name = "moody"
    dial = "share"
    share: float = attrs.field(default=0.5, metadata=doc("how much lives"))

    def allowance(self, inheritance, context):
        return self.share * sum(int(mask.sum()) for mask in inheritance.eligible.values())

    def press(self, dna, inheritance, context):
        share = self.share
        CALLS.append(1)
        if len(CALLS) % 500 == 0:
            share *= 0.9
        factor = math.log(share) if share else -math.inf
        pressed = {
            name: attrs.evolve(genes, log_survival=scaled(genes.log_survival, factor))
            for name, genes in dna.synapses.items()
        }
        return attrs.evolve(dna, synapses=pressed)


@hookimpl
def evoframe_environments():
    return [Moody]
