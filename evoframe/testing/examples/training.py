"""A strategy for evoframe, of the role training."""

import attrs

from evoframe.plugin import Training, TrainingResult, hookimpl


@attrs.frozen
class Idle(Training):
    """Leaves the newborn as it is."""

    name = "idle"

    def train(self, phenotype, context):
        return TrainingResult(phenotype, epochs=0, loss=float("nan"))


@hookimpl
def evoframe_trainings():
    return [Idle]
