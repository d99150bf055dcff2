"""The options of gradient training, and what follows from them alone."""

from __future__ import annotations

import math
from typing import Any, ClassVar, Literal

import attrs
from torch import nn
from torch.optim import SGD, AdamW, Optimizer

from evoframe.kernel.phenotype import Phenotype
from evoframe.roles import Nurture, Training, doc
from evoframe.strategies.nurture.distillation import Distillation


@attrs.frozen
class Wish(Training):
    """What is wished of a descent."""

    dial: ClassVar[str] = "epochs"

    epochs: int = attrs.field(
        default=3,
        validator=attrs.validators.ge(1),
        metadata=doc("number of passes over the training split"),
    )
    optimiser: Literal["sgd", "adamw"] = attrs.field(default="sgd", metadata=doc("optimiser"))
    learning_rate: float = attrs.field(
        default=0.05, validator=attrs.validators.gt(0), metadata=doc("initial learning rate")
    )
    momentum: float = attrs.field(
        default=0.9,
        validator=[attrs.validators.ge(0), attrs.validators.lt(1)],
        metadata=doc("momentum of SGD, beta1 of AdamW"),
    )
    weight_decay: float = attrs.field(
        default=1e-4, validator=attrs.validators.ge(0), metadata=doc("weight decay")
    )
    schedule: Literal["constant", "cosine", "steps"] = attrs.field(
        default="cosine",
        metadata=doc(
            "learning-rate schedule of a life: constant, cosine, or steps to a tenth at 2/3 and 8/9"
        ),
    )
    batch_size: int | None = attrs.field(
        default=None,
        validator=attrs.validators.optional(attrs.validators.ge(1)),
        metadata=doc("batch size; default: the task's"),
    )
    label_smoothing: float = attrs.field(
        default=0.0,
        validator=[attrs.validators.ge(0), attrs.validators.lt(1)],
        metadata=doc("label smoothing; needs a task that supports it"),
    )
    half_precision: bool = attrs.field(
        default=False,
        metadata=doc("compute in bfloat16 where the device supports it, otherwise in float32"),
    )
    warm_up: float = attrs.field(
        default=0.0,
        validator=attrs.validators.ge(0),
        metadata=doc(
            "warm-up epochs, during which the learning rate rises to the schedule's", later=True
        ),
    )
    decays: Literal["all", "weights"] = attrs.field(
        default="all",
        metadata=doc(
            "parameters under weight decay: all, or weights without norms and biases", later=True
        ),
    )
    clip: float | None = attrs.field(
        default=None,
        validator=attrs.validators.optional(attrs.validators.gt(0)),
        metadata=doc("maximum gradient norm (clipping)", later=True),
    )
    accumulate: int = attrs.field(
        default=1,
        validator=attrs.validators.ge(1),
        metadata=doc("gradient accumulation: batches per optimiser step", later=True),
    )
    average: float = attrs.field(
        default=0.0,
        validator=[attrs.validators.ge(0), attrs.validators.lt(1)],
        metadata=doc(
            "EMA decay; the averaged weights replace the trained ones at the end", later=True
        ),
    )
    patience: int | None = attrs.field(
        default=None,
        validator=attrs.validators.optional(attrs.validators.ge(1)),
        metadata=doc(
            "early stopping: epochs without improvement on the held-out batches", later=True
        ),
    )
    held_out: float = attrs.field(
        default=0.1,
        validator=[attrs.validators.gt(0), attrs.validators.lt(1)],
        metadata=doc(
            "share of training batches held out for patience and not trained on", later=True
        ),
    )
    teacher: Literal["nobody", "ancestor", "parent"] = attrs.field(
        default="nobody",
        metadata=doc("teacher for distillation, as in the nurture distillation", later=True),
    )

    together: int = attrs.field(  # type: ignore[misc]
        default=1,
        validator=attrs.validators.ge(1),
        metadata=doc(
            "number of lives of a generation trained together on the same batches; 1: separately",
            later=True,
        ),
    )

    compile: str | None = attrs.field(
        default=None,
        metadata=doc(
            "torch.compile backend for training steps, e.g. inductor; affects the last bits "
            "of weights",
            later=True,
        ),
    )

    def fresh_optimiser(self, phenotype: Phenotype, axes: int = 0) -> Optimizer:
        """Return an optimiser of a newborn's parameters.

        Args:
            phenotype: the newborn.
            axes: how many axes its parameters have in front of their own.
        """
        groups = self._groups(phenotype.network, axes)
        rate, decay = self.learning_rate, self.weight_decay
        if self.optimiser == "sgd":
            return SGD(groups, rate, momentum=self.momentum, weight_decay=decay)
        return AdamW(groups, rate, betas=(self.momentum, 0.999), weight_decay=decay)

    def set_rate(self, optimiser: Optimizer, epochs: float, share: float = 1.0) -> None:
        """Set the step size of an optimiser.

        Args:
            optimiser: of the life.
            epochs: that are behind the life.
            share: of an epoch that the next step is; a whole one where nobody knows.
        """
        done = epochs / self.epochs
        factor = {
            "constant": 1.0,
            "cosine": 0.5 * (1 + math.cos(math.pi * done)),
            "steps": 1.0 if done < 2 / 3 else 0.1 if done < 8 / 9 else 0.01,
        }[self.schedule]
        if self.warm_up:
            # After its first step a life has warmed up by one step, so that none is without effect.
            factor *= min(1.0, (epochs + share) / self.warm_up)
        for group in optimiser.param_groups:
            group["lr"] = self.learning_rate * factor

    def teachers(self) -> tuple[Nurture, ...]:
        """Return the companions that these options bring, besides those of the run."""
        return () if self.teacher == "nobody" else (Distillation(teacher=self.teacher),)

    def _groups(self, network: nn.Module, axes: int) -> Any:
        """Return the parameters that learn; in two groups where some of them do not decay."""
        learning = [one for one in network.parameters() if one.requires_grad]
        if self.decays == "all":
            return learning
        weights = [one for one in learning if one.ndim > axes + 1]
        others = [one for one in learning if one.ndim <= axes + 1]
        return [{"params": weights}, {"params": others, "weight_decay": 0.0}]
