"""A strategy for evoframe, of the role mutation."""

import attrs

from evoframe.plugin import Mutation, hookimpl


@attrs.frozen
class Upheaval(Mutation):
    """Weak genes become strong and strong ones weak."""

    name = "upheaval"

    def mutate(self, dna, inheritance, context):
        turned = {
            parameter: attrs.evolve(genes, levels=len(genes.log_survival) - 1 - genes.levels)
            for parameter, genes in dna.synapses.items()
        }
        return attrs.evolve(dna, synapses=turned)


@hookimpl
def evoframe_mutations():
    return [Upheaval]
