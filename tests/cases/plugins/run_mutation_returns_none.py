"""A mutation whose author forgot the return.

Right: the run stops with exit code 2 and a sentence that names mutation forgetful, its distribution
and version, the individual, and "returned None; wanted DNA".
"""

from __future__ import annotations

import attrs

from evoframe.plugin import Mutation, hookimpl

EXPECT = "stops"
USE = ["--mutation", "forgetful"]


@attrs.frozen
class Forgetful(Mutation):
    """Nothing much."""

    name = "forgetful"

    def mutate(self, dna, inheritance, context):
        attrs.evolve(dna, caps=())


@hookimpl
def evoframe_mutations():
    return [Forgetful]
