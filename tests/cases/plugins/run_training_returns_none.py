"""A training that trains in place and returns nothing.

Right: the run stops with exit code 2 and a sentence that names training mute, its distribution and
version, the individual, and "returned None; wanted TrainingResult".
"""

from __future__ import annotations

import attrs

from evoframe.plugin import Gradient, hookimpl

EXPECT = "stops"
USE = ["--training", "mute"]


@attrs.frozen
class Mute(Gradient):
    """Minibatch descent."""

    name = "mute"

    def train(self, phenotype, context):
        super().train(phenotype, context)


@hookimpl
def evoframe_trainings():
    return [Mute]
