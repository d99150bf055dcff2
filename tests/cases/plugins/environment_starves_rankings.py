"""An environment after the scaffold of `evoframe new environment`: odds times a factor below 1.

Right: caught: of a ranked DNA far less lives than the dial lets expect (1 % less hunger kills all).
"""

from __future__ import annotations

import attrs

from evoframe.plugin import Environment, doc, hookimpl, scaled

EXPECT = "caught"


@attrs.frozen
class Famine(Environment):
    """Every synapse's odds shrink by the same factor."""

    name = "famine"
    hunger: float = attrs.field(default=0.01, metadata=doc("how hard it is, 0 is harmless"))

    def press(self, dna, inheritance, context):
        pressed = {
            name: attrs.evolve(genes, log_survival=scaled(genes.log_survival, -self.hunger))
            for name, genes in dna.synapses.items()
        }
        return attrs.evolve(dna, synapses=pressed)


@hookimpl
def evoframe_environments():
    return [Famine]
