"""Offers a mutation without saying so: the decorator of the hook is missing."""

import attrs

from evoframe.plugin import Mutation


@attrs.frozen
class Rest(Mutation):
    """Changes nothing."""

    name = "rest"

    def mutate(self, dna, inheritance, context):
        return dna


def evoframe_mutations():
    return [Rest]
