"""Training: the life of an individual."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

import attrs

from evoframe.roles.base import Learning

if TYPE_CHECKING:
    from evoframe.errors import StillbornError
    from evoframe.kernel.context import Context
    from evoframe.kernel.life import TrainingResult
    from evoframe.kernel.phenotype import Phenotype
    from evoframe.roles.task import Task


@attrs.frozen
class Training(Learning, ABC):
    """Trains a newborn network; absent synapses stay absent.

    Its dial is the number of epochs: passes over the training split.

    Reads training data alone, unless its class says ``sees = "validation"``, as one that stops
    early would; the record of a run shows that. Nobody reads test data.

    Traits:
        ``rewires``: the masks that come back may differ from those that went in.
        ``pausable``: it heeds ``context.life.rung``: it trains no further than the rung goes,
            returns where the life waits as ``paused``, and goes on from ``taken_up``, with the same
            bits as without a pause. A class with a ``train()`` of its own says it anew.
    """

    role: ClassVar[str] = "training"
    sees: ClassVar[str] = "train"
    together: ClassVar[int] = 1
    """How many lives of a generation are trained at once; above 1 by ``train_together()``."""

    def check(self, task: Task) -> None:
        """Refuse a task that cannot be trained this way, before anything is written.

        Raises:
            TaskError: what is missing, and what to do instead.
        """

    @abstractmethod
    def train(self, phenotype: Phenotype, context: Context) -> TrainingResult:
        """Return the trained phenotype; the one given may be changed in place and returned.

        Args:
            phenotype: the network on ``context.device``; call ``phenotype.enforce()`` after every
                optimiser step.
            context: the task, where batches and the loss come from, and the key; its ``life`` has
                the companions that take part, where to report epochs and to put checkpoints,
                and how far to go (only if the class says ``pausable``).

        Raises:
            StillbornError: the loss stopped being a number.
        """

    def train_together(
        self, phenotypes: Sequence[Phenotype], contexts: Sequence[Context]
    ) -> Sequence[TrainingResult | StillbornError]:
        """Return the results of the lives of a cohort, in their order.

        Called instead of :meth:`train` if :attr:`together` is above 1. A class with a ``train()``
        of its own must have its own of this, too.

        Args:
            phenotypes: networks of one shape, each with masks of its own; they may be changed.
            contexts: as for :meth:`train`, of each life. There are no companions and no rungs. The
                checkpoint of the first is that of the cohort.
        """
        raise NotImplementedError
