"""Draws from torch's global generator, so that one mutation changes everybody's luck."""

import attrs
import torch

from evoframe.plugin import Mutation, hookimpl


@attrs.frozen
class Dice(Mutation):
    """Rolls a die and ignores it."""

    name = "dice"

    def mutate(self, dna, inheritance, context):
        torch.randint(6, ())
        return dna


@hookimpl
def evoframe_mutations():
    return [Dice]
