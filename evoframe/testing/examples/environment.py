"""A strategy for evoframe, of the role environment."""

import attrs

from evoframe.plugin import Environment, doc, hookimpl, log_multiplier, scaled


@attrs.frozen
class Famine(Environment):
    """A share of every layer's synapses starves, on average, the unlikeliest before the others."""

    name = "famine"
    hunger: float = attrs.field(
        default=0.5,
        validator=[attrs.validators.ge(0), attrs.validators.le(1)],
        metadata=doc("share of each layer's eligible synapses that starves, 0 to 1"),
    )

    def press(self, dna, inheritance, context):
        pressed = {}
        for name, genes in dna.synapses.items():
            fed = (1 - self.hunger) * int(inheritance.eligible[name].sum())
            # A factor for the number that is to live: some encodings mean only the order of their
            # probabilities, and any factor of one's own would let all or nobody live.
            factor = log_multiplier([genes.histogram()], [genes.log_survival], fed)
            pressed[name] = attrs.evolve(genes, log_survival=scaled(genes.log_survival, factor))
        return attrs.evolve(dna, synapses=pressed)


@hookimpl
def evoframe_environments():
    return [Famine]
