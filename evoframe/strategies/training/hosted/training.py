"""Hosted training: lives in a loop of another library, which evoframe calls."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

import attrs

from evoframe.errors import TaskError
from evoframe.kernel.context import Context
from evoframe.kernel.key import sealed
from evoframe.kernel.life import TrainingResult
from evoframe.kernel.phenotype import Phenotype
from evoframe.roles import Task, Training, doc
from evoframe.strategies.training.alone import REFUSED
from evoframe.strategies.training.hosted.batches import require_length
from evoframe.strategies.training.hosted.life import HostedLife


@attrs.frozen
class HostedTraining(Training, ABC):
    """Trains in a loop of another library; a class of one's own says by :meth:`host` how.

    What is everybody's is done here: batches in the order of the key, seeded draws, absent
    synapses that stay absent, companions, events, and lives that are put down and taken up again.

    Attributes:
        loop: what the loop is called in the keys of what it draws outside of epochs; the name of
            the strategy if nothing is said.
    """

    dial: ClassVar[str] = "epochs"
    loop: ClassVar[str] = ""

    epochs: int = attrs.field(
        default=1,
        validator=attrs.validators.ge(1),
        metadata=doc("number of passes over the training split"),
    )

    @abstractmethod
    def host(self, life: HostedLife) -> None:
        """Train ``life.phenotype.network`` with the loop, which tells the life of its moments.

        It begins with the epoch ``life.epoch``, and with ``life.learning`` if that is not None:
        weights, masks and companions have gone on already. Global generators are seeded, and are
        put back afterwards; so must be what the loop changes in the network or in the process.
        """

    @property
    def batch_size(self) -> int | None:
        """Examples in a batch; None for the task's own choice."""
        return None

    @property
    def remedy(self) -> str:
        """What to try if the loss stops being a number."""
        return "try a smaller step size"

    def check(self, task: Task) -> None:
        """Refuse a task whose epochs have no known length, by which loops plan a life.

        Raises:
            TaskError: the training split is a stream.
        """
        require_length(task, self.batch_size, self.name)

    def train(self, phenotype: Phenotype, context: Context) -> TrainingResult:
        """Return the phenotype after all epochs that the loop takes, from where it was put down.

        Raises:
            ContractError: the loop has ended in the midst of an epoch, or has told of no step.
            StillbornError: the loss stopped being a number.
            TaskError: nothing can be learned from a batch.
        """
        key = context.key.at("training", self.loop or self.name)
        life = HostedLife(phenotype, context, key, self.epochs, self.batch_size, self.remedy)
        with sealed(key):
            try:
                life.begin()
                self.host(life)
                return life.result()
            except ValueError as error:
                _tell(error)
                raise
            finally:
                life.close()


def _tell(error: ValueError) -> None:
    """Say in words of a task that a batch has one example.

    Raises:
        TaskError: it has.
    """
    if str(error).startswith(REFUSED):
        raise TaskError(
            "a training batch has one example, and batch norm needs two. Another batch size, or "
            "drop_last=True in the loader, avoids it."
        ) from error
