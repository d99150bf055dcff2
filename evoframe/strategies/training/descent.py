"""Descent: one life in the midst of its training, epoch by epoch and step by step."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import attrs
import torch
from torch import Tensor
from torch.optim import Optimizer

from evoframe.errors import StillbornError, TaskError
from evoframe.kernel import device as devices
from evoframe.kernel.context import Context
from evoframe.kernel.life import Batch
from evoframe.kernel.phenotype import Phenotype
from evoframe.roles.measuring import batches_in
from evoframe.strategies.training.alone import unless_alone
from evoframe.strategies.training.options import Wish
from evoframe.strategies.training.reading import Reader


@attrs.define(eq=False)
class Descent:
    """A life that is being lived.

    Attributes:
        wish: the options of its training.
        phenotype: the network as it is.
        optimiser: of its parameters.
        context: whose life it is, with its companions.
        epoch: epochs that are behind it.
        taken: steps that are behind it.
        within: those of them that belong to the epoch it is in.
        length: steps of that epoch; None for a stream, which is known only when it is over.
        total: sum of the losses of the epoch's examples.
        seen: the examples of the epoch.
        loss: mean of the last epoch.
        reader: reads the batches of the epoch.
    """

    wish: Wish
    phenotype: Phenotype
    optimiser: Optimizer
    context: Context
    epoch: int = 0
    taken: int = 0
    within: int = 0
    length: int | None = None
    total: Tensor = attrs.field(factory=lambda: torch.zeros(()))
    seen: int = 0
    loss: float = math.nan
    reader: Reader = attrs.field(factory=lambda: Reader((), noting=False))

    @property
    def epochs(self) -> float:
        """Epochs that are behind it; a fraction in the midst of one, unless that is a stream."""
        return self.epoch + (self.within / self.length if self.within and self.length else 0)

    def open(self) -> None:
        """Open the data of the epoch that comes, or that is going on."""
        context = self.context
        shuffle = context.key.at("training", "shuffle", self.epoch)
        batches: Iterable[Batch] = context.task.batches(
            "train", shuffle=shuffle, batch_size=self.wish.batch_size
        )
        self.length = batches_in(batches)
        # Nobody knows how long a stream is, so its steps are counted over all epochs.
        if self.length is not None and not self.within:
            self.taken = self.epoch * self.length
        noting = context.life.rung.ends_within(self.epoch, self.length, self.taken)
        self.reader = Reader(batches, noting=noting)

    def must_wait(self) -> bool:
        """Tell whether the rung ends here, and no further step of this epoch fits into it."""
        if self.length is not None and 0 < self.length <= self.within:
            return False
        rung = self.context.life.rung
        return rung.reached(self.epoch, self.within, self.length, self.taken)

    def begin_epoch(self) -> None:
        """Begin an epoch: nothing of it is behind the life."""
        # On the device: reading a number after every step would make the CPU wait for it.
        self.total, self.seen = torch.zeros((), device=self.context.device), 0
        self.phenotype.network.train()
        for companion in self.context.life.companions:
            companion.before_epoch(self.phenotype, self.context, self.epoch)

    def step(self) -> bool:
        """Take a step on the next batch; False when there is none."""
        if not (batches := self.reader.next(1)):
            return False
        self.wish.set_rate(self.optimiser, self.epochs)
        for batch in batches:
            size = self.context.task.examples_in(batch)
            loss = self._learn(devices.move(batch, self.context.device), size)
            if loss is not None:
                weight = 1 if size is None else size
                self.total, self.seen = self.total + loss * weight, self.seen + weight
        self.taken, self.within = self.taken + 1, self.within + 1
        return True

    def end_epoch(self) -> None:
        """End an epoch.

        Raises:
            TaskError: it had no batch that anything can be learned from.
            StillbornError: the loss stopped being a number.
        """
        self._require_seen()
        for companion in self.context.life.companions:
            self.phenotype = companion.after_epoch(self.phenotype, self.context, self.epoch)
        self._tell_loss(self.epoch + 1)
        self.epoch, self.within = self.epoch + 1, 0

    def halt(self) -> None:
        """Halt in the midst of an epoch.

        Raises:
            StillbornError: the loss stopped being a number.
        """
        if self.seen:
            self._tell_loss(self.epoch + 1)

    def _tell_loss(self, epoch: int) -> None:
        self.loss = float(self.total) / self.seen
        if not math.isfinite(self.loss):
            raise StillbornError(
                f"training diverged: the loss became {self.loss} in epoch {epoch}; "
                f"try a smaller learning_rate than {self.wish.learning_rate:g}"
            )

    def _require_seen(self) -> None:
        if self.seen:
            return
        lacking = "of two examples, which batch norm needs" if self.within else "at all"
        raise TaskError(
            f"task {self.context.task.name!r} has no training batch {lacking}: nothing can be "
            "learned."
        )

    def _learn(self, batch: Batch, size: int | None) -> Tensor | None:
        """Take one step, or none if a batch of one example cannot be learned from."""
        context, companions, step = self.context, self.context.life.companions, self.taken
        self.optimiser.zero_grad(set_to_none=True)
        with devices.half_precision(context.device, wanted=self.wish.half_precision):
            loss = unless_alone(self.phenotype.network, size, lambda: self._loss(batch))
        if loss is None:
            return None
        loss.backward()  # type: ignore[no-untyped-call]
        for companion in companions:
            companion.after_backward(self.phenotype, context, step)
        self.optimiser.step()
        # Gradients and momentum reach absent synapses too, so zeros are put back after every step.
        self.phenotype.enforce()
        for companion in companions:
            self.phenotype = companion.after_step(self.phenotype, self.optimiser, context, step)
        return loss.detach()

    def _loss(self, batch: Batch) -> Tensor:
        given: dict[str, Any] = {}
        if self.wish.label_smoothing:
            given["label_smoothing"] = self.wish.label_smoothing
        loss = self.context.task.step(self.phenotype.network, batch, **given)
        for companion in self.context.life.companions:
            loss = companion.shape_loss(loss, self.phenotype, batch, self.context)
        return loss
