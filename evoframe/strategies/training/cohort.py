"""Cohort: several lives in the midst of one descent, each with weights and masks of its own.

All of them read the same batches in the same order, those of the first life. What one life
computes is never mixed with another's: a life that diverges changes nothing for the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial

import attrs
import torch
from torch import Tensor, nn

from evoframe.errors import StillbornError
from evoframe.kernel.context import Context
from evoframe.kernel.events import EpochFinished
from evoframe.kernel.genotype import State
from evoframe.kernel.life import Batch, TrainingResult
from evoframe.kernel.phenotype import Phenotype
from evoframe.strategies.training.averages import Averages
from evoframe.strategies.training.descent import Descent
from evoframe.strategies.training.living import lived
from evoframe.strategies.training.options import Wish
from evoframe.strategies.training.stacking import Step, losses_of, stacked, unstack

SHORT = 1e-6
"""What torch adds to the norm of a gradient before it divides by it."""


@attrs.define(eq=False)
class Cohort(Descent):
    """Lives that are lived together.

    Attributes:
        contexts: of each life.
        losses: of each life in its last epoch, on the CPU.
        diverged: the epoch in which the loss of each was no number any more; 0 where it is one.
    """

    contexts: tuple[Context, ...] = ()
    losses: Tensor = attrs.field(factory=lambda: torch.zeros(()))
    diverged: Tensor = attrs.field(factory=lambda: torch.zeros(()))

    @classmethod
    def begun(
        cls, wish: Wish, phenotypes: Sequence[Phenotype], contexts: Sequence[Context]
    ) -> Cohort:
        """Return the lives of newborns, of which nothing is lived."""
        whole, count = stacked(phenotypes), len(phenotypes)
        optimiser = wish.fresh_optimiser(whole, axes=1)
        losses, diverged = torch.full((count,), torch.nan).double(), torch.zeros(count).long()
        life = cls(
            wish, whole, optimiser, contexts[0],
            contexts=tuple(contexts), losses=losses, diverged=diverged,
        )  # fmt: skip
        if wish.average:
            life.averages = Averages(whole.network, wish.average)
        return life

    @property
    def is_over(self) -> bool:
        """Whether they are at the end of their schedule, or nobody is left."""
        return self.epoch >= self.wish.epochs or bool((self.diverged > 0).all())

    def announce(self) -> None:
        """Tell of an epoch that is over, for each life."""
        for context, loss, lost in self._told():
            if not lost:
                done = EpochFinished(context.id, self.epoch, self.wish.epochs, loss)
                context.life.announcer.tell("evoframe_epoch_finished", partial(_itself, done))

    def results(self, phenotypes: Sequence[Phenotype]) -> list[TrainingResult | StillbornError]:
        """Return the result of each life, or the reason why it could not be lived."""
        unstack(self.phenotype.network, phenotypes)
        return [
            self._diverged(loss, lost) if lost else TrainingResult(phenotype, self.epoch, loss)
            for phenotype, (_, loss, lost) in zip(phenotypes, self._told(), strict=True)
        ]

    def put_down_loss(self) -> State:
        """Return the losses of the last epoch as tensors, and who has diverged."""
        return {"losses": self.losses, "diverged": self.diverged}

    def take_up_loss(self, tensors: State) -> None:
        """Go on with what was put down."""
        self.losses, self.diverged = tensors["losses"].clone(), tensors["diverged"].clone()

    def _told(self) -> list[tuple[Context, float, int]]:
        """Return the context of each life, its loss, and when it diverged."""
        losses, diverged = self.losses.tolist(), self.diverged.tolist()
        return list(zip(self.contexts, losses, diverged, strict=True))

    def _loss(self, batch: Batch) -> Tensor:
        smoothing = self.wish.label_smoothing
        given = {"label_smoothing": smoothing} if smoothing else {}
        return losses_of(Step(self.phenotype.network, self.context.task), batch, given)

    def _descend(self, loss: Tensor) -> None:
        # No life's weights are in another's loss, so each gradient of the sum is that of one loss.
        loss.sum().backward()  # type: ignore[no-untyped-call]

    def _shorten(self, values: Iterable[nn.Parameter], most: float) -> None:
        """Shorten the gradient of each life by its own norm."""
        gradients = [one.grad for one in values if one.grad is not None]
        count = len(self.contexts)
        norms = [one.reshape(count, -1).norm(dim=1) for one in gradients]
        factors = (most / (torch.stack(norms).norm(dim=0) + SHORT)).clamp(max=1.0)
        for one in gradients:
            one.mul_(factors.reshape(-1, *[1] * (one.ndim - 1)))

    def _tell_loss(self, epoch: int) -> None:
        found = self.total.double().cpu() / self.seen
        self.losses = torch.where(self.diverged > 0, self.losses, found)
        self.diverged[(self.diverged == 0) & ~found.isfinite()] = epoch


def _itself(done: EpochFinished) -> EpochFinished:
    return done


def lived_together(
    wish: Wish, phenotypes: Sequence[Phenotype], contexts: Sequence[Context]
) -> list[TrainingResult | StillbornError]:
    """Live to the end of the schedule of a cohort.

    Raises:
        TaskError: the training split is empty.
    """
    life = Cohort.begun(wish, phenotypes, contexts)
    lived(life)
    return life.results(phenotypes)
