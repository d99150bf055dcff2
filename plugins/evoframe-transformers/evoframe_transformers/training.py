"""Training with ``transformers.Trainer``: its loop, optimisers and schedules, in every life."""

from __future__ import annotations

from typing import ClassVar

import attrs

from evoframe.plugin import HostedLife, HostedTraining, Task, options
from evoframe_transformers.arguments import Arguments
from evoframe_transformers.libraries import needed


@attrs.frozen
class Trainer(HostedTraining):
    """Trains with the Trainer of transformers; the optimiser is fresh in every life."""

    name: ClassVar[str] = "trainer"

    arguments: Arguments = options(Arguments, "how it learns, by the names of TrainingArguments")

    @property
    def batch_size(self) -> int | None:
        """Examples in a batch; None for the task's own choice."""
        return self.arguments.per_device_train_batch_size

    @property
    def remedy(self) -> str:
        """What to try if the loss stops being a number."""
        rate = self.arguments.learning_rate
        return f"try a smaller training.arguments.learning_rate than {rate:g}"

    def check(self, task: Task) -> None:
        """Refuse arguments that Trainer does not take, and a task whose length nobody knows.

        Raises:
            ConfigError: a library is missing, or an argument will not do.
            TaskError: the training split is a stream.
        """
        needed("accelerate")
        needed("transformers")
        needed("evoframe_transformers.loop").arguments_of(self, 0, "cpu", ".")
        super().check(task)

    def host(self, life: HostedLife) -> None:
        """Train with Trainer.

        Raises:
            ConfigError: a library is missing, or an argument will not do.
            StillbornError: the loss stopped being a number.
            TaskError: nothing can be learned from a batch.
        """
        needed("accelerate")
        needed("transformers")
        needed("evoframe_transformers.loop").host(self, life)
