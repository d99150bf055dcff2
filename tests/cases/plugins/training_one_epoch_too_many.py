"""A training that takes an epoch more than its dial says, if that is 4 or more.

Right: keeps_to_its_epochs fails: the dial is tried at larger values too.
"""

from __future__ import annotations

import attrs

from evoframe.plugin import Gradient, hookimpl

EXPECT = "caught"


@attrs.frozen
class Overtime(Gradient):
    """Minibatch descent, and a little more."""

    name = "overtime"

    def train(self, phenotype, context):
        longer = Gradient(epochs=self.epochs + (self.epochs >= 4))
        return attrs.evolve(longer.train(phenotype, context), epochs=self.epochs)


@hookimpl
def evoframe_trainings():
    return [Overtime]
