"""A strategy for evoframe, of the role heredity."""

import attrs

from evoframe.plugin import Heredity, Inheritance, hookimpl


@attrs.frozen
class Grandmother(Heredity):
    """A parent's synapses with the trained ancestor's weights."""

    name = "grandmother"

    def inherit(self, parents, context):
        parent = parents[0].genotype
        return Inheritance(parent.masks, parent.state, context.ancestor.state)


@hookimpl
def evoframe_heredities():
    return [Grandmother]
