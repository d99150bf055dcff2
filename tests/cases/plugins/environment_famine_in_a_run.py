"""The scaffold of `evoframe new environment famine`, in a run whose encoding ranks.

Right: the run goes on with some synapses less, or is refused before anything is written, by a
check(encoding) that the scaffold has, or that scaled tables of rankings make needless.
"""

from __future__ import annotations

import attrs

from evoframe.plugin import Environment, doc, hookimpl, scaled

EXPECT = "runs or refused"
USE = ["--encoding", "magnitude", "--environment", "famine"]


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
