"""One life within Ultralytics' loop: its companions, its losses, its seals."""

from __future__ import annotations

import math
from contextlib import ExitStack
from typing import Any

import attrs
import torch
from torch import Tensor
from torch.optim import Optimizer

from evoframe.plugin import (
    Context,
    EpochFinished,
    Phenotype,
    StillbornError,
    TaskError,
    TrainingResult,
    sealed,
)


@attrs.define(eq=False)
class Life:
    """A life that is being lived.

    Attributes:
        training: its options.
        phenotype: the network as it is.
        context: whose life it is.
        companions: those that act in it.
        epoch: epochs that are behind it.
        taken: steps that are behind it.
        total: sum of the losses of the epoch's examples.
        seen: the examples of the epoch.
        last: mean loss of the last epoch.
        seal: of the epoch that it is in.
    """

    training: Any
    phenotype: Phenotype
    context: Context
    companions: tuple[Any, ...] = ()
    epoch: int = 0
    taken: int = 0
    total: Tensor = attrs.field(factory=lambda: torch.zeros(()))
    seen: int = 0
    last: float = math.nan
    seal: ExitStack = attrs.field(factory=ExitStack)

    def begin(self) -> None:
        """Let companions begin, with the weights that they will see."""
        life = attrs.evolve(self.context.life, epochs=self.training.epochs)
        self.context = attrs.evolve(self.context, life=life)
        several = tuple(one.begin(self.phenotype, self.context) for one in life.companions)
        self.companions = several
        self.context = attrs.evolve(self.context, life=attrs.evolve(life, companions=several))

    def begin_epoch(self) -> None:
        """Begin an epoch, sealed by its key."""
        self.seal.enter_context(sealed(self.context.key.at("training", "epoch", self.epoch)))
        self.total, self.seen = torch.zeros((), device=self.context.device), 0
        self.phenotype.network.train()
        for one in self.companions:
            one.before_epoch(self.phenotype, self.context, self.epoch)

    def learned(self, loss: Tensor, batch: Any) -> Tensor:
        """Return the loss of a batch as companions shape it, and count it."""
        for one in self.companions:
            loss = one.shape_loss(loss, self.phenotype, batch, self.context)
        weight = self.context.task.examples_in(batch) or 1
        self.total, self.seen = self.total + loss.detach() * weight, self.seen + weight
        return loss

    def after_backward(self) -> None:
        """Let companions act on gradients; absent synapses have none to speak of in their norm."""
        for one in self.companions:
            one.after_backward(self.phenotype, self.context, self.taken)
        masks = self.phenotype.masks
        for name, value in self.phenotype.network.named_parameters():
            if name in masks and value.grad is not None:
                value.grad.mul_(masks[name])

    def after_step(self, optimiser: Optimizer) -> None:
        """Put zeros back, to which momentum and decay reach, and let companions act."""
        self.phenotype.enforce()
        for one in self.companions:
            self.phenotype = one.after_step(self.phenotype, optimiser, self.context, self.taken)
        self.taken += 1

    def end_epoch(self) -> None:
        """End an epoch.

        Raises:
            StillbornError: the loss stopped being a number.
            TaskError: there was no batch.
        """
        if not self.seen:
            raise TaskError(f"task {self.context.task.name!r} has no training batch at all.")
        for one in self.companions:
            self.phenotype = one.after_epoch(self.phenotype, self.context, self.epoch)
        self.last = float(self.total) / self.seen
        if not math.isfinite(self.last):
            rate = self.training.arguments.lr0
            raise StillbornError(
                f"training diverged: the loss became {self.last} in epoch {self.epoch + 1}; try a "
                f"smaller training.arguments.lr0 than {rate:g}"
            )
        self.epoch += 1
        self.seal.close()

    def tell(self) -> None:
        """Tell of the epoch that is over."""
        done = EpochFinished(self.context.id, self.epoch, self.training.epochs, self.last)
        self.context.life.announcer.tell("evoframe_epoch_finished", lambda: done)

    def close(self) -> None:
        """Put the generators back, wherever the life has ended."""
        self.seal.close()

    def result(self) -> TrainingResult:
        """Return what came out, after companions have acted for the last time."""
        with sealed(self.context.key.at("training", "end")):
            for one in self.companions:
                self.phenotype = one.after_life(self.phenotype, self.context)
        return TrainingResult(self.phenotype, self.epoch, self.last)
