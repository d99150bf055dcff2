"""The options of gradient training, and what follows from them alone."""

from __future__ import annotations

import math
from typing import ClassVar, Literal

import attrs
from torch.optim import SGD, AdamW, Optimizer

from evoframe.kernel.phenotype import Phenotype
from evoframe.roles import Training, doc


@attrs.frozen
class Wish(Training):
    """What is wished of a descent."""

    dial: ClassVar[str] = "epochs"

    epochs: int = attrs.field(
        default=3, validator=attrs.validators.ge(1), metadata=doc("passes over the training split")
    )
    optimiser: Literal["sgd", "adamw"] = attrs.field(
        default="sgd", metadata=doc("the rule of descent")
    )
    learning_rate: float = attrs.field(
        default=0.05, validator=attrs.validators.gt(0), metadata=doc("step size at the start")
    )
    momentum: float = attrs.field(
        default=0.9,
        validator=[attrs.validators.ge(0), attrs.validators.lt(1)],
        metadata=doc("momentum of sgd, first moment's decay of adamw"),
    )
    weight_decay: float = attrs.field(
        default=1e-4, validator=attrs.validators.ge(0), metadata=doc("decay of all parameters")
    )
    schedule: Literal["constant", "cosine", "steps"] = attrs.field(
        default="cosine",
        metadata=doc("step size over a life: constant, half a cosine, or a tenth at 2/3 and 8/9"),
    )
    batch_size: int | None = attrs.field(
        default=None,
        validator=attrs.validators.optional(attrs.validators.ge(1)),
        metadata=doc("examples in a batch; the task's own choice if not given"),
    )
    label_smoothing: float = attrs.field(
        default=0.0,
        validator=[attrs.validators.ge(0), attrs.validators.lt(1)],
        metadata=doc("probability mass spread over the other classes; needs a task that knows it"),
    )
    half_precision: bool = attrs.field(
        default=False,
        metadata=doc("compute in bfloat16 where the device has it, in float32 elsewhere"),
    )

    def fresh_optimiser(self, phenotype: Phenotype) -> Optimizer:
        """Return an optimiser of a newborn's parameters."""
        parameters = [p for p in phenotype.network.parameters() if p.requires_grad]
        if self.optimiser == "sgd":
            return SGD(
                parameters,
                self.learning_rate,
                momentum=self.momentum,
                weight_decay=self.weight_decay,
            )
        return AdamW(
            parameters,
            self.learning_rate,
            betas=(self.momentum, 0.999),
            weight_decay=self.weight_decay,
        )

    def set_rate(self, optimiser: Optimizer, epochs: float) -> None:
        """Set the step size of an optimiser after so many epochs of a life."""
        done = epochs / self.epochs
        factor = {
            "constant": 1.0,
            "cosine": 0.5 * (1 + math.cos(math.pi * done)),
            "steps": 1.0 if done < 2 / 3 else 0.1 if done < 8 / 9 else 0.01,
        }[self.schedule]
        for group in optimiser.param_groups:
            group["lr"] = self.learning_rate * factor
