"""Gradient training: an individual learns like any newborn network, by minibatch descent."""

from __future__ import annotations

from collections.abc import Sequence
from inspect import signature
from typing import ClassVar

import attrs

from evoframe.errors import StillbornError, TaskError
from evoframe.kernel.context import Context
from evoframe.kernel.life import TrainingResult
from evoframe.kernel.phenotype import Phenotype
from evoframe.kernel.rungs import PAUSABLE
from evoframe.roles import Task
from evoframe.roles.measuring import batches_in
from evoframe.strategies.training.cohort import lived_together
from evoframe.strategies.training.compiling import require_compiler
from evoframe.strategies.training.descent import Descent
from evoframe.strategies.training.living import lived
from evoframe.strategies.training.options import Wish
from evoframe.strategies.training.proving import require_options, require_together
from evoframe.strategies.training.stopping import learned_of


@attrs.frozen
class Gradient(Wish):
    """Trains with SGD or AdamW for some epochs; the optimiser is fresh in every life."""

    name: ClassVar[str] = "gradient"
    traits: ClassVar[frozenset[str]] = frozenset({PAUSABLE})

    def check(self, task: Task) -> None:
        """Refuse a task that cannot do what options ask for, such as to smooth labels."""
        if self.label_smoothing and "label_smoothing" not in signature(task.step).parameters:
            raise TaskError(
                f"training.label_smoothing is {self.label_smoothing:g}, but the step() of task "
                f"{task.name!r} takes no label_smoothing. Set it to 0, or give step() the argument."
            )
        if self.together > 1:
            require_options(self)
            require_together(self, task)
        if self.compile is not None:
            require_compiler(self.compile)
        batches = task.batches("train", batch_size=self.batch_size)
        if self.patience is not None:
            learned_of(batches_in(batches), self.held_out, task.name)

    def train(self, phenotype: Phenotype, context: Context) -> TrainingResult:
        """Return the phenotype after all epochs or those of a rung, from where it was put down.

        Raises:
            StillbornError: the loss stopped being a number.
            TaskError: the training split is empty.
        """
        return lived(Descent.of(self, phenotype, context))

    def train_together(
        self, phenotypes: Sequence[Phenotype], contexts: Sequence[Context]
    ) -> list[TrainingResult | StillbornError]:
        """Return the results of the lives of a cohort, each with its own weights and masks.

        All read the batches that the first of them would read alone, in that order.

        Raises:
            TaskError: the training split is empty.
        """
        return lived_together(self, phenotypes, contexts)
