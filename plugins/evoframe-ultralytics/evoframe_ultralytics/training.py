"""Training with Ultralytics' ``DetectionTrainer``: its loop, optimisers, schedule and pictures."""

from __future__ import annotations

from typing import ClassVar

import attrs

from evoframe.plugin import HostedLife, HostedTraining, Task, options
from evoframe_ultralytics.arguments import Arguments
from evoframe_ultralytics.libraries import needed


@attrs.frozen
class Trainer(HostedTraining):
    """Trains with Ultralytics' trainer; its moving average of weights is what comes out."""

    name: ClassVar[str] = "ultralytics"

    arguments: Arguments = options(Arguments, "how it learns, by the names of Ultralytics")

    @property
    def batch_size(self) -> int | None:
        """Examples in a batch; None for the task's own choice."""
        return self.arguments.batch

    @property
    def remedy(self) -> str:
        """What to try if the loss stops being a number."""
        return f"try a smaller training.arguments.lr0 than {self.arguments.lr0:g}"

    def check(self, task: Task) -> None:
        """Refuse a task whose epochs have no known length, by which a life is planned.

        Raises:
            ConfigError: Ultralytics is missing.
            TaskError: the training split is a stream.
        """
        needed("ultralytics.models.yolo.detect.train")
        super().check(task)

    def host(self, life: HostedLife) -> None:
        """Train with Ultralytics' trainer.

        Raises:
            ConfigError: Ultralytics is missing.
            StillbornError: the loss stopped being a number.
            TaskError: nothing can be learned from a batch.
        """
        needed("ultralytics.models.yolo.detect.train")
        needed("evoframe_ultralytics.loop").host(self, life)
