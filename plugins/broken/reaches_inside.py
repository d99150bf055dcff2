"""Imports what may be gone tomorrow."""

import attrs

from evoframe.plugin import Mutation, hookimpl
from evoframe.run.disk.journal import Journal


@attrs.frozen
class Diary(Mutation):
    """Knows what a journal is."""

    name = "diary"

    def mutate(self, dna, inheritance, context):
        return dna if Journal else dna


@hookimpl
def evoframe_mutations():
    return [Diary]
