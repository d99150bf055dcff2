"""Training with Lightning's ``Trainer``: its loop, with the module's optimisers and schedules."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import attrs

from evoframe.plugin import (
    ConfigError,
    HostedLife,
    HostedTraining,
    Task,
    doc,
    options,
)
from evoframe_lightning.arguments import Arguments
from evoframe_lightning.libraries import any_library, needed
from evoframe_lightning.tasks import LightningTask


@attrs.frozen
class Lightning(HostedTraining):
    """Trains with Lightning's Trainer; optimisers are the module's, fresh in every life."""

    name: ClassVar[str] = "lightning"
    loop: ClassVar[str] = "lightning"

    epochs: int = attrs.field(
        default=1,
        validator=attrs.validators.ge(1),
        metadata=doc("most passes over the training split"),
    )
    batch_size: int | None = attrs.field(
        default=None,
        validator=attrs.validators.optional(attrs.validators.ge(1)),
        metadata=doc("examples in a batch; the task's own choice if not given"),
    )
    learning_rate: float | None = attrs.field(
        default=None,
        validator=attrs.validators.optional(attrs.validators.gt(0)),
        metadata=doc("step size of adam for a network without configure_optimizers; else 0.001"),
    )
    arguments: Arguments = options(Arguments, "how it learns, by the names of Trainer")
    logs: Path | None = attrs.field(
        default=None,
        converter=attrs.converters.optional(Path),
        metadata=doc("folder for what is logged, a CSV file for each individual; nowhere if none"),
    )

    @property
    def validates(self) -> bool:
        """Whether validation data are looked at while an individual learns."""
        return self.sees == "validation"

    def check(self, task: Task) -> None:
        """Refuse a task whose epochs have no known length, or an option without effect.

        Raises:
            ConfigError: Lightning is missing, or the task has optimisers of its own.
            TaskError: the training split is a stream.
        """
        any_library()
        if isinstance(task, LightningTask) and self.learning_rate is not None:
            raise ConfigError(
                f"training.learning_rate is {self.learning_rate:g}, and configure_optimizers of "
                f"the {type(task.module).__name__} decides that. Leave it out."
            )
        super().check(task)

    def host(self, life: HostedLife) -> None:
        """Train with Lightning's Trainer.

        Raises:
            ConfigError: Lightning is missing.
            StillbornError: the loss stopped being a number.
            TaskError: nothing can be learned from a batch.
        """
        any_library()
        needed("evoframe_lightning.loop").host(self, life)


@attrs.frozen
class LightningValidated(Lightning):
    """Trains with Lightning's Trainer, whose schedules and callbacks see validation metrics."""

    name: ClassVar[str] = "lightning-validated"
    sees: ClassVar[str] = "validation"
