"""An environment that is milder with more of its dial, but for a hole between 0.30 and 0.35.

Right: more_of_its_dial_is_milder fails: the dial is tried at several values of its range.
"""

from __future__ import annotations

import math

import attrs

from evoframe.plugin import Environment, doc, hookimpl, scaled

EXPECT = "caught"


@attrs.frozen
class Pothole(Environment):
    """A share of what is eligible lives."""

    name = "pothole"
    dial = "share"
    share: float = attrs.field(default=0.5, metadata=doc("how much lives"))

    def allowance(self, inheritance, context):
        return self.share * sum(int(mask.sum()) for mask in inheritance.eligible.values())

    def press(self, dna, inheritance, context):
        share = self.share
        if 0.30 <= share < 0.35:
            share = 0.01
        factor = math.log(share) if share else -math.inf
        pressed = {
            name: attrs.evolve(genes, log_survival=scaled(genes.log_survival, factor))
            for name, genes in dna.synapses.items()
        }
        return attrs.evolve(dna, synapses=pressed)


@hookimpl
def evoframe_environments():
    return [Pothole]
