"""Has a strategy, and no hook that offers it."""

import attrs

from evoframe.plugin import Mutation


@attrs.frozen
class Shy(Mutation):
    """Changes nothing."""

    name = "shy"

    def mutate(self, dna, inheritance, context):
        return dna
