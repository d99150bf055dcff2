"""Fit: the task trains the network itself, with whatever loop its author has."""

from __future__ import annotations

import math
from typing import ClassVar, Literal

import attrs
from torch.optim.optimizer import register_optimizer_step_post_hook

from evoframe.errors import TaskError
from evoframe.kernel.context import Context
from evoframe.kernel.life import TrainingResult
from evoframe.kernel.phenotype import Phenotype
from evoframe.roles import Task, Training, doc


@attrs.frozen
class Fit(Training):
    """Calls the task's own fit(network, key, device)."""

    name: ClassVar[str] = "fit"

    sees: Literal["train", "validation"] = attrs.field(  # type: ignore[misc]
        default="validation",
        metadata=doc(
            "further data that fit() reads: validation for early stopping, otherwise train",
            later=True,
        ),
    )

    def check(self, task: Task) -> None:
        """Refuse a task that has no ``fit`` of its own."""
        if type(task).fit is Task.fit:
            raise TaskError(
                f"training 'fit' was named, but task {task.name!r} defines no "
                "fit(network, key, device). Define it, or use training 'gradient'."
            )

    def train(self, phenotype: Phenotype, context: Context) -> TrainingResult:
        """Return the phenotype after the task has trained it.

        Absent synapses are put back to zero after every step of any torch optimiser that runs
        meanwhile, so the task's loop needs to know nothing of them.
        """
        # Of all optimisers of the process: the task makes its own, and nobody is handed it.
        hook = register_optimizer_step_post_hook(lambda *_: phenotype.enforce())
        try:
            key = context.key.at("training", "fit")
            context.task.fit(phenotype.network, key, context.device)
        finally:
            hook.remove()
        phenotype.enforce()
        return TrainingResult(phenotype, 0, math.nan)
