"""Was written when mutations were given a key, and nothing else."""

import attrs

from evoframe import hookimpl
from evoframe.roles import Mutation


@attrs.frozen
class Elder(Mutation):
    """Changes nothing."""

    name = "elder"

    def mutate(self, dna, key):
        return dna


@hookimpl
def evoframe_mutations():
    return [Elder]
