"""A life in a loop of another library: batches, companions, losses and seals."""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

import attrs
import torch
from torch import Tensor
from torch.optim import Optimizer

from evoframe.errors import ContractError, StillbornError, TaskError
from evoframe.kernel import device as devices
from evoframe.kernel.context import Context
from evoframe.kernel.events import EpochFinished
from evoframe.kernel.key import Key, sealed
from evoframe.kernel.life import Batch, TrainingResult
from evoframe.kernel.phenotype import Phenotype
from evoframe.strategies.training.checkpoints import STEPS, regrow, steps_of
from evoframe.strategies.training.hosted.batches import Batches
from evoframe.strategies.training.hosted.putting_down import found, hand_on, learning_of, put_down


@attrs.define(eq=False)
class HostedLife:
    """A life that is being lived in a loop of another library.

    The loop, or a callback that it takes, tells the life of its moments in this order::

        begin_epoch()
            loss(batch), or shape(loss, batch)      # for every batch; the loop descends it
            after_backward()                        # before gradients are clipped, if they are
            after_step(optimiser)                   # after every step of the optimiser
        end_epoch(learning)

    Attributes:
        phenotype: the network as it is, on ``context.device``, with its masks.
        context: whose life it is; ``context.life.companions`` are those that act in it.
        key: the source of all that the loop draws outside of epochs.
        epochs: how many the schedule has.
        batch_size: examples in a batch; None for the task's own choice.
        remedy: what to try if the loss stops being a number.
        learning: what :meth:`end_epoch` was given when the life was put down, with tensors on the
            CPU; None for a life that begins.
        epoch: epochs that are behind it.
        taken: steps of the optimiser that are behind it.
        last: mean training loss of the last epoch; NaN before the first has ended.
    """

    phenotype: Phenotype
    context: Context
    key: Key
    epochs: int
    batch_size: int | None = None
    remedy: str = "try a smaller step size"
    learning: Mapping[str, Any] | None = attrs.field(default=None, init=False)
    epoch: int = attrs.field(default=0, init=False)
    taken: int = attrs.field(default=0, init=False)
    last: float = attrs.field(default=math.nan, init=False)
    _total: Tensor = attrs.field(factory=lambda: torch.zeros(()), init=False)
    _seen: int = attrs.field(default=0, init=False)
    _seal: ExitStack | None = attrs.field(default=None, init=False)

    def begin(self) -> None:
        """Begin, or go on where the life was put down; called by the training, before the loop."""
        before = found(self.phenotype, self.context)
        if before is not None:
            self.epoch, tensors = before
            self.phenotype = regrow(tensors, self.phenotype)
            self.taken, self.last = steps_of(tensors), float(tensors["loss"])
            self.learning = learning_of(tensors)
        # Afterwards: companions must begin with the weights that they will see.
        life = attrs.evolve(self.context.life, epochs=self.epochs)
        context = attrs.evolve(self.context, life=life)
        companions = tuple(one.begin(self.phenotype, context) for one in life.companions)
        self.context = attrs.evolve(context, life=attrs.evolve(life, companions=companions))
        if before is not None:
            hand_on(before[1], self.phenotype, self.context)

    def batches(self) -> Batches:
        """Return the training split as a loader: in another order in every epoch, by the key.

        It has a length and can be passed over again and again. Batches are the task's own, on any
        device.
        """
        return Batches(self._pass)

    def begin_epoch(self) -> None:
        """Begin an epoch: global generators are seeded from its key until it ends."""
        self._seal = ExitStack()
        self._seal.enter_context(sealed(self.context.key.at("training", "epoch", self.epoch)))
        # On the device: reading a number after every step would make the CPU wait for it.
        self._total, self._seen = torch.zeros((), device=self.context.device), 0
        self.phenotype.network.train()
        for one in self.context.life.companions:
            one.before_epoch(self.phenotype, self.context, self.epoch)

    def loss(self, batch: Batch) -> Tensor:
        """Return the task's loss of a batch, as companions shape it: a scalar with its graph.

        Args:
            batch: of the task, on any device.
        """
        here = devices.move(batch, self.context.device)
        return self.shape(self.context.task.step(self.phenotype.network, here), here)

    def shape(self, loss: Tensor, batch: Batch) -> Tensor:
        """Return a loss that the loop has computed as companions shape it, and count it.

        Args:
            loss: mean of a batch, a scalar with its graph.
            batch: of which it is; companions may give it to ``context.task.step``.
        """
        for one in self.context.life.companions:
            loss = one.shape_loss(loss, self.phenotype, batch, self.context)
        weight = self.context.task.examples_in(batch) or 1
        self._total, self._seen = self._total + loss.detach() * weight, self._seen + weight
        return loss

    def after_backward(self) -> None:
        """Let companions act on gradients, and take out those of absent synapses.

        So these are in no norm by which a gradient is clipped, and in no mean of an optimiser.
        """
        for one in self.context.life.companions:
            one.after_backward(self.phenotype, self.context, self.taken)
        masks = self.phenotype.masks
        for name, value in self.phenotype.network.named_parameters():
            if name in masks and value.grad is not None:
                value.grad.mul_(masks[name])

    def after_step(self, optimiser: Optimizer) -> None:
        """Put zeros back, to which momentum and decay reach, and let companions act.

        Args:
            optimiser: of torch, of the network's parameters; not what a loop has wrapped it in.
        """
        self.phenotype.enforce()
        for one in self.context.life.companions:
            self.phenotype = one.after_step(self.phenotype, optimiser, self.context, self.taken)
        self.taken += 1

    def end_epoch(self, learning: Mapping[str, Any] | None = None) -> None:
        """End an epoch that the loop has ended, its schedules too, and tell of it.

        Args:
            learning: states of optimisers, schedules and whatever else the loop needs to go on:
                tensors, numbers and texts in lists and tables, as ``state_dict()`` returns them.
                With them the life is put down, unless it is at the end of its schedule; without,
                one that is killed is lived again from its birth.

        Raises:
            StillbornError: the loss stopped being a number.
            TaskError: there was no batch that anything can be learned from.
        """
        if not self._seen:
            raise self._nothing_learned()
        for one in self.context.life.companions:
            self.phenotype = one.after_epoch(self.phenotype, self.context, self.epoch)
        self.phenotype.enforce()
        self.last, self.epoch = float(self._total) / self._seen, self.epoch + 1
        if not math.isfinite(self.last):
            raise StillbornError(
                f"training diverged: the loss became {self.last} in epoch {self.epoch}; "
                f"{self.remedy}"
            )
        self.close()
        if learning is not None and self.epoch < self.epochs:
            self._put_down(learning)
        done = EpochFinished(self.context.id, self.epoch, self.epochs, self.last)
        self.context.life.announcer.tell("evoframe_epoch_finished", lambda: done)

    def close(self) -> None:
        """Put generators back, wherever an epoch was broken off; called by the training."""
        if self._seal is not None:
            self._seal.close()
        self._seal = None

    def result(self) -> TrainingResult:
        """Return the result of the life, after companions have acted for the last time.

        Called by the training, after the loop.

        Raises:
            ContractError: the loop has ended in the midst of an epoch, or has told of no step.
            TaskError: it has ended without an epoch.
        """
        if self._seal is not None:
            raise ContractError(
                f"the loop has ended within epoch {self.epoch + 1}; wanted end_epoch() after it"
            )
        if not self.epoch:
            raise self._nothing_learned()
        if not self.taken:
            raise ContractError(
                "the loop reported no step; wanted after_step(optimiser) after every step, or "
                "absent synapses come back and nurtures do not act"
            )
        self.phenotype.enforce()
        with sealed(self.context.key.at("training", "end")):
            for one in self.context.life.companions:
                self.phenotype = one.after_life(self.phenotype, self.context)
        return TrainingResult(self.phenotype, self.epoch, self.last)

    def _put_down(self, learning: Mapping[str, Any]) -> None:
        tensors = {
            STEPS: torch.tensor(self.taken),
            "loss": torch.tensor(self.last, dtype=torch.float64),
            **put_down(self.phenotype, self.context, learning),
        }
        self.context.life.checkpoint.save(self.epoch, tensors)
        hand_on(tensors, self.phenotype, self.context)

    def _pass(self) -> Any:
        shuffle = self.context.key.at("training", "shuffle", self.epoch)
        return self.context.task.batches("train", shuffle=shuffle, batch_size=self.batch_size)

    def _nothing_learned(self) -> TaskError:
        return TaskError(
            f"task {self.context.task.name!r} has no training batch that anything can be learned "
            "from."
        )
