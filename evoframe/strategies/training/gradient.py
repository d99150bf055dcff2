"""Gradient training: an individual learns like any newborn network, by minibatch descent."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable
from inspect import signature
from typing import Any, ClassVar, Literal

import attrs
import torch
from torch import Tensor
from torch.optim import SGD, AdamW, Optimizer

from evoframe.errors import StillbornError, TaskError
from evoframe.kernel import device as devices
from evoframe.kernel.context import Context
from evoframe.kernel.events import EpochFinished
from evoframe.kernel.genotype import State
from evoframe.kernel.key import sealed
from evoframe.kernel.life import Batch, TrainingResult
from evoframe.kernel.phenotype import Phenotype
from evoframe.roles import Task, Training, doc
from evoframe.roles.measuring import batches_in
from evoframe.strategies.training.alone import unless_alone
from evoframe.strategies.training.checkpoints import restore, snapshot, steps_of, unfit


@attrs.frozen
class Gradient(Training):
    """Trains with SGD or AdamW for some epochs; the optimiser is fresh in every life."""

    name: ClassVar[str] = "gradient"
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

    def check(self, task: Task) -> None:
        """Refuse a task that cannot smooth labels, or has another batch size."""
        if self.label_smoothing and "label_smoothing" not in signature(task.step).parameters:
            raise TaskError(
                f"training.label_smoothing is {self.label_smoothing:g}, but the step() of task "
                f"{task.name!r} takes no label_smoothing. Set it to 0, or give step() the argument."
            )
        task.batches("train", batch_size=self.batch_size)

    def train(self, phenotype: Phenotype, context: Context) -> TrainingResult:
        """Return the phenotype after all epochs, or from the last checkpoint on.

        Raises:
            StillbornError: the loss stopped being a number.
            TaskError: the training split is empty.
        """
        # Fresh in every life: momentum belongs to weights that this network does not have.
        optimiser = self._optimiser(phenotype)
        start, taken, life = 0, 0, context.life
        if (saved := self._put_down(phenotype, context)) is not None:
            start, tensors = saved
            taken = steps_of(tensors)
            phenotype = restore(tensors, phenotype, optimiser)
        # After the checkpoint: companions must begin with the weights that they will see.
        companions = tuple(one.begin(phenotype, context) for one in life.companions)
        context = attrs.evolve(context, life=attrs.evolve(life, companions=companions))
        loss = math.nan
        for epoch in range(start, self.epochs):
            with sealed(context.key.at("training", "epoch", epoch)):
                phenotype, loss, taken = self._epoch(epoch, taken, phenotype, optimiser, context)
            if not math.isfinite(loss):
                raise StillbornError(
                    f"training diverged: the loss became {loss} in epoch {epoch + 1}; "
                    f"try a smaller learning_rate than {self.learning_rate:g}"
                )
            # After the last epoch the genotype itself is put on disk.
            if epoch + 1 < self.epochs:
                life.checkpoint.save(epoch + 1, snapshot(phenotype, optimiser, taken))
            # Bound by the default argument: a lambda would look ``done`` up only when it is called.
            done = EpochFinished(context.id, epoch + 1, self.epochs, loss)
            life.announcer.tell("evoframe_epoch_finished", lambda done=done: done)  # type: ignore[misc]
        return TrainingResult(phenotype, self.epochs, loss)

    def _put_down(self, phenotype: Phenotype, context: Context) -> tuple[int, State] | None:
        """Return the epochs and tensors of a checkpoint, if it is of this network."""
        saved = context.life.checkpoint.load()
        if saved is None or not (reason := unfit(saved[1], phenotype)):
            return saved
        warnings.warn(
            f"the checkpoint of {context.id} is of another network ({reason}): the life is lived "
            "again from its beginning",
            stacklevel=3,
        )
        return None

    def _epoch(
        self, epoch: int, taken: int, phenotype: Phenotype, optimiser: Optimizer, context: Context
    ) -> tuple[Phenotype, float, int]:
        """Train for one pass; of a stream nobody knows how long it is, so its rate stays.

        Returns the phenotype, the mean loss, and for streams the steps taken in all epochs.
        """
        batches = self._batches(context, epoch)
        steps = batches_in(batches)
        first = taken if steps is None else epoch * steps
        # On the device: reading a number after every step would make the CPU wait for it.
        total, seen, step = torch.zeros((), device=context.device), 0, first - 1
        phenotype.network.train()
        for companion in context.life.companions:
            companion.before_epoch(phenotype, context, epoch)
        for step, batch in enumerate(batches, first):
            self._set_rate(optimiser, epoch + ((step - first) / steps if steps else 0.0))
            here = devices.move(batch, context.device)
            size = context.task.examples_in(batch)
            phenotype, loss = self._step(phenotype, here, size, optimiser, context, step)
            if loss is not None:
                weight = 1 if size is None else size
                total, seen = total + loss * weight, seen + weight
        if not seen:
            lacking = "of two examples, which batch norm needs" if step >= first else "at all"
            raise TaskError(
                f"task {context.task.name!r} has no training batch {lacking}: nothing can be "
                "learned."
            )
        for companion in context.life.companions:
            phenotype = companion.after_epoch(phenotype, context, epoch)
        return phenotype, float(total) / seen, step + 1 if steps is None else 0

    def _step(
        self,
        phenotype: Phenotype,
        batch: Batch,
        size: int | None,
        optimiser: Optimizer,
        context: Context,
        step: int,
    ) -> tuple[Phenotype, Tensor | None]:
        """Take one step, or none if a batch of one example cannot be learned from."""
        optimiser.zero_grad(set_to_none=True)
        with devices.half_precision(context.device, wanted=self.half_precision):
            network = phenotype.network
            loss = unless_alone(network, size, lambda: self._loss(phenotype, batch, context))
        if loss is None:
            return phenotype, None
        loss.backward()  # type: ignore[no-untyped-call]
        for companion in context.life.companions:
            companion.after_backward(phenotype, context, step)
        optimiser.step()
        # Gradients and momentum reach absent synapses too, so zeros are put back after every step.
        phenotype.enforce()
        for companion in context.life.companions:
            phenotype = companion.after_step(phenotype, optimiser, context, step)
        return phenotype, loss.detach()

    def _loss(self, phenotype: Phenotype, batch: Batch, context: Context) -> Tensor:
        given: dict[str, Any] = {}
        if self.label_smoothing:
            given["label_smoothing"] = self.label_smoothing
        loss = context.task.step(phenotype.network, batch, **given)
        for companion in context.life.companions:
            loss = companion.shape_loss(loss, phenotype, batch, context)
        return loss

    def _batches(self, context: Context, epoch: int) -> Iterable[Batch]:
        shuffle = context.key.at("training", "shuffle", epoch)
        return context.task.batches("train", shuffle=shuffle, batch_size=self.batch_size)

    def _optimiser(self, phenotype: Phenotype) -> Optimizer:
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

    def _set_rate(self, optimiser: Optimizer, epochs: float) -> None:
        done = epochs / self.epochs
        factor = {
            "constant": 1.0,
            "cosine": 0.5 * (1 + math.cos(math.pi * done)),
            "steps": 1.0 if done < 2 / 3 else 0.1 if done < 8 / 9 else 0.01,
        }[self.schedule]
        for group in optimiser.param_groups:
            group["lr"] = self.learning_rate * factor
