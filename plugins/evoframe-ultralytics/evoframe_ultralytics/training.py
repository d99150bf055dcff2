"""Training with Ultralytics' ``DetectionTrainer``: its loop, optimisers, schedule and pictures."""

from __future__ import annotations

from typing import Any, ClassVar

import attrs

from evoframe.plugin import Context, Phenotype, Task, TaskError, Training, TrainingResult, doc
from evoframe_ultralytics.arguments import Arguments
from evoframe_ultralytics.libraries import needed


def _arguments(given: Any) -> Any:
    """Return a mapping as arguments, so that a dict is welcome in Python."""
    return Arguments(**given) if isinstance(given, dict) else given


@attrs.frozen
class Trainer(Training):
    """Trains with Ultralytics' trainer; its moving average of weights is what comes out."""

    name: ClassVar[str] = "ultralytics"
    dial: ClassVar[str] = "epochs"

    epochs: int = attrs.field(
        default=1, validator=attrs.validators.ge(1), metadata=doc("passes over the training split")
    )
    arguments: Arguments = attrs.field(
        factory=Arguments,
        converter=_arguments,
        validator=attrs.validators.instance_of(Arguments),
        metadata=doc("how it learns, by the names of Ultralytics"),
    )

    @property
    def batch_size(self) -> int | None:
        """Examples in a batch; None for the task's own choice."""
        return self.arguments.batch

    def check(self, task: Task) -> None:
        """Refuse a task whose epochs have no known length, by which a life is planned.

        Raises:
            ConfigError: Ultralytics is missing.
            TaskError: the training split is a stream.
        """
        needed("ultralytics.models.yolo.detect.train")
        batches: Any = task.batches("train", batch_size=self.batch_size)
        try:
            len(batches)
        except TypeError as error:
            raise TaskError(
                f"training 'ultralytics' plans a life by the number of its steps, and the training "
                f"split of task {task.name!r} is a stream of unknown length. Give it a length, or "
                "use training 'gradient'."
            ) from error

    def train(self, phenotype: Phenotype, context: Context) -> TrainingResult:
        """Return the phenotype after all epochs.

        Raises:
            ConfigError: Ultralytics is missing.
            StillbornError: the loss stopped being a number.
            TaskError: nothing can be learned from a batch.
        """
        needed("ultralytics.models.yolo.detect.train")
        result: TrainingResult = needed("evoframe_ultralytics.loop").lived(self, phenotype, context)
        return result
