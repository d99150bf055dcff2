"""Descent: one life in the midst of its training, epoch by epoch and step by step."""

from __future__ import annotations

import math
from collections.abc import Iterable
from contextlib import nullcontext
from typing import Any

import attrs
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from evoframe.errors import StillbornError, TaskError
from evoframe.kernel import device as devices
from evoframe.kernel.context import Context
from evoframe.kernel.events import EpochFinished
from evoframe.kernel.genotype import State
from evoframe.kernel.life import Batch
from evoframe.kernel.phenotype import Phenotype
from evoframe.roles.measuring import batches_in
from evoframe.strategies.training.alone import unless_alone
from evoframe.strategies.training.averages import Averages
from evoframe.strategies.training.checkpoints import modes, put_in_mode
from evoframe.strategies.training.compiling import Compiled
from evoframe.strategies.training.options import Wish
from evoframe.strategies.training.reading import Reader
from evoframe.strategies.training.stopping import Patience, learned_of


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
        kept: how many of them are learned from; None if nobody knows.
        averages: of the weights, if they are wanted.
        patience: stops it early, if that is wanted.
        compiled: its network as it is called in steps, if that is to be compiled.
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
    kept: int | None = None
    averages: Averages | None = None
    patience: Patience | None = None
    compiled: Compiled | None = None

    @classmethod
    def of(cls, wish: Wish, phenotype: Phenotype, context: Context) -> Descent:
        """Return the life of a newborn, of which nothing is lived."""
        # Fresh in every life: momentum belongs to weights that this network does not have.
        life = cls(wish, phenotype, wish.fresh_optimiser(phenotype), context)
        if wish.average:
            life.averages = Averages(phenotype.network, wish.average)
        if wish.patience is not None:
            life.patience = Patience(wish.patience)
        if wish.compile is not None:
            life.compiled = Compiled(wish.compile, context)
        return life

    @property
    def is_over(self) -> bool:
        """Whether it is at the end of its schedule, or has stopped early."""
        stopped = self.patience is not None and self.patience.is_over
        return stopped or self.epoch >= self.wish.epochs

    @property
    def epochs(self) -> float:
        """Epochs that are behind it; a fraction in the midst of one, unless that is a stream."""
        return self.epoch + (self.within / self.length if self.within and self.length else 0)

    def announce(self) -> None:
        """Tell of an epoch that is over."""
        done = EpochFinished(self.context.id, self.epoch, self.wish.epochs, self.loss)
        self.context.life.announcer.tell("evoframe_epoch_finished", lambda: done)

    def put_down_loss(self) -> State:
        """Return the last epoch's loss as tensors."""
        return {"loss": torch.tensor(self.loss, dtype=torch.float64)}

    def take_up_loss(self, tensors: State) -> None:
        """Go on with the loss that was put down, if there is one."""
        if "loss" in tensors:
            self.loss = float(tensors["loss"])

    def open(self) -> None:
        """Open the data of the epoch that comes, or that is going on."""
        context = self.context
        # What is held out must be the same in every epoch, so its order is drawn once.
        drawn = self.epoch if self.patience is None else 0
        shuffle = context.key.at("training", "shuffle", drawn)
        batches: Iterable[Batch] = context.task.batches(
            "train", shuffle=shuffle, batch_size=self.wish.batch_size
        )
        self.kept = count = batches_in(batches)
        if self.patience is not None:
            self.kept = learned_of(count, self.wish.held_out, context.task.name)
        self.length = None if self.kept is None else math.ceil(self.kept / self.wish.accumulate)
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
        """Take a step on the next batches; False when there are none."""
        count = self.wish.accumulate
        if self.patience is not None and self.kept is not None:
            count = min(count, self.kept - self.reader.read)
        if not (batches := self.reader.next(count)):
            return False
        share = 1 / self.length if self.length else 1.0
        self.wish.set_rate(self.optimiser, self.epochs, share)
        sizes = [self.context.task.examples_in(batch) for batch in batches]
        with nullcontext() if self.compiled is None else self.compiled.step(batches):
            learned = self._learn(batches, sizes)
        if learned:
            self._follow()
        self.taken, self.within = self.taken + 1, self.within + 1
        return True

    def _learn(self, batches: list[Batch], sizes: list[int | None]) -> bool:
        """Take one step, or none if batches of one example cannot be learned from."""
        context, companions, step = self.context, self.context.life.companions, self.taken
        weights = [1 if size is None else size for size in sizes]
        self.optimiser.zero_grad(set_to_none=True)
        learned = 0
        for batch, size, weight in zip(batches, sizes, weights, strict=True):
            if (loss := self._loss_of(devices.move(batch, context.device), size)) is None:
                continue
            # A step of several batches is one of a batch of all their examples.
            whole = loss if len(batches) == 1 else loss * (weight / sum(weights))
            self._descend(whole)
            self.total, self.seen = self.total + loss.detach() * weight, self.seen + weight
            learned += 1
        if not learned:
            return False
        for companion in companions:
            companion.after_backward(self.phenotype, context, step)
        self._clip()
        self.optimiser.step()
        # Gradients and momentum reach absent synapses too, so zeros are put back after every step.
        self.phenotype.enforce()
        for companion in companions:
            self.phenotype = companion.after_step(self.phenotype, self.optimiser, context, step)
        return True

    def _descend(self, loss: Tensor) -> None:
        """Add the gradients of a loss."""
        loss.backward()  # type: ignore[no-untyped-call]

    def _clip(self) -> None:
        """Shorten the gradient; absent synapses have none to speak of."""
        if self.wish.clip is None:
            return
        masks = self.phenotype.masks
        values = dict(self.phenotype.network.named_parameters())
        for name, value in values.items():
            if value.grad is not None and name in masks:
                value.grad.mul_(masks[name])
        self._shorten(values.values(), self.wish.clip)

    def _shorten(self, values: Iterable[nn.Parameter], most: float) -> None:
        torch.nn.utils.clip_grad_norm_(values, most)

    def _follow(self) -> None:
        if self.averages is not None:
            self.averages.follow(self.phenotype.network)

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
        if self.patience is not None:
            self._look(self.patience)
        self.reader.close()
        self.epoch, self.within = self.epoch + 1, 0

    def halt(self) -> None:
        """Halt in the midst of an epoch.

        Raises:
            StillbornError: the loss stopped being a number.
        """
        self.reader.close()
        if self.seen:
            self._tell_loss(self.epoch + 1)

    def finish(self) -> None:
        """Give the network the weights that it is to be judged by."""
        network = self.phenotype.network
        if self.patience is not None and self.patience.best:
            self.patience.put_best_into(network)
        elif self.averages is not None:
            self.averages.swap(network)
        else:
            return
        self.phenotype.enforce()

    def _look(self, patience: Patience) -> None:
        """Measure what is held out, by the averages where there are some."""
        network, averages = self.phenotype.network, self.averages
        before = modes(network)
        network.eval()
        if averages is not None:
            averages.swap(network)
        patience.look(network, self.reader.rest(), self.context)
        if averages is not None:
            averages.swap(network)
        put_in_mode(before, network)

    def _tell_loss(self, epoch: int) -> None:
        self.loss = float(self.total) / self.seen
        if not math.isfinite(self.loss):
            raise self._diverged(self.loss, epoch)

    def _diverged(self, loss: float, epoch: int) -> StillbornError:
        return StillbornError(
            f"training diverged: the loss became {loss} in epoch {epoch}; "
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

    def _loss_of(self, batch: Batch, size: int | None) -> Tensor | None:
        with devices.half_precision(self.context.device, wanted=self.wish.half_precision):
            return unless_alone(self.phenotype.network, size, lambda: self._loss(batch))

    def _loss(self, batch: Batch) -> Tensor:
        given: dict[str, Any] = {}
        if self.wish.label_smoothing:
            given["label_smoothing"] = self.wish.label_smoothing
        network = self.phenotype.network
        if self.compiled is not None:
            network = self.compiled.network(network)
        loss = self.context.task.step(network, batch, **given)
        for companion in self.context.life.companions:
            loss = companion.shape_loss(loss, self.phenotype, batch, self.context)
        return loss
