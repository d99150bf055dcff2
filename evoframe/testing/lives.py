"""Lives of a task's ancestor: for trainings whose loop is another library's, on tasks of its own.

The checks of the kit train specimens, which such a library may never see.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs
import torch

from evoframe.kernel.genotype import Masks, State
from evoframe.kernel.key import Key, sealed
from evoframe.kernel.life import Checkpoint, NoCheckpoint, TrainingResult
from evoframe.kernel.modules.entries import state_of
from evoframe.kernel.phenotype import Phenotype
from evoframe.roles import Nurture, Task, Training
from evoframe.testing.case import Case


class Checkpoints:
    """A checkpoint of a life that keeps every epoch, and gives back the one that it is set to.

    Attributes:
        kept: the tensors that were saved, by the number of epochs that had ended.
        chosen: which of them :meth:`load` gives; None for a life that begins, which is kept.
    """

    def __init__(self) -> None:
        """Keep nothing yet."""
        self.kept: dict[int, State] = {}
        self.chosen: int | None = None

    def load(self) -> tuple[int, State] | None:
        """Return the chosen epoch."""
        return None if self.chosen is None else (self.chosen, self.kept[self.chosen])

    def save(self, epochs: int, tensors: State) -> None:
        """Keep an epoch, unless one is being taken up again."""
        if self.chosen is None:
            self.kept[epochs] = {name: value.detach().clone() for name, value in tensors.items()}


def lived(
    training: Training,
    task: Task,
    masks: Masks | None = None,
    *,
    companions: Sequence[Nurture] = (),
    checkpoint: Checkpoint | None = None,
) -> TrainingResult:
    """Return the result of a life of a task's ancestor, on the CPU; always of the same draws.

    Args:
        training: by which it lives.
        task: whose ancestor it is.
        masks: bool, by parameters' names: which synapses there are; all if none are given.
        companions: nurtures that take part; those that ask for parents or the anatomy are given
            a specimen's.
        checkpoint: where it is put down between epochs; nowhere if none is given.
    """
    context = Case().context()
    life = attrs.evolve(
        context.life, companions=tuple(companions), checkpoint=checkpoint or NoCheckpoint()
    )
    context = attrs.evolve(context, task=task, life=life, key=Key(3))
    with sealed(Key(0)):
        phenotype = Phenotype(task.ancestor(Key(0)), masks or {})
    phenotype.enforce()
    return training.train(phenotype, context)


def taken_up(training: Training, task: Task) -> dict[int, bool]:
    """Tell of each epoch after which a life is put down if it ends the same when taken up there.

    Every bit of the network counts: that is what a run that was killed relies on.

    Args:
        training: by which it lives.
        task: whose ancestor it is.
    """
    checkpoints = Checkpoints()
    straight = _bits(lived(training, task, checkpoint=checkpoints))
    found = {}
    for epoch in sorted(checkpoints.kept):
        checkpoints.chosen = epoch
        again = _bits(lived(training, task, checkpoint=checkpoints))
        found[epoch] = all(torch.equal(again[name], one) for name, one in straight.items())
    return found


def _bits(result: TrainingResult) -> dict[str, Any]:
    return {name: value.clone() for name, value in state_of(result.phenotype.network).items()}
