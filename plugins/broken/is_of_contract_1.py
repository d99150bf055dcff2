"""Was written when mutations were given a key, and nothing else."""

import attrs

from evoframe.plugin import Mutation, hookimpl


@attrs.frozen
class Elder(Mutation):
    """Changes nothing."""

    name = "elder"

    def mutate(self, dna, key):
        return dna


@hookimpl
def evoframe_mutations():
    return [Elder]
