"""A strategy for evoframe, of the role environment."""

import attrs

from evoframe.plugin import Environment, doc, hookimpl, scaled


@attrs.frozen
class Famine(Environment):
    """Every synapse's odds shrink by the same factor, e to the power of hunger."""

    name = "famine"
    hunger: float = attrs.field(default=1.0, metadata=doc("how hard it is, 0 is harmless"))

    def press(self, dna, inheritance, context):
        pressed = {
            parameter: attrs.evolve(genes, log_survival=scaled(genes.log_survival, -self.hunger))
            for parameter, genes in dna.synapses.items()
        }
        return attrs.evolve(dna, synapses=pressed)


@hookimpl
def evoframe_environments():
    return [Famine]
