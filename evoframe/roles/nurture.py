"""Nurture: what acts on an individual within its life."""

from __future__ import annotations

from abc import ABC
from typing import TYPE_CHECKING, ClassVar

import attrs

from evoframe.roles.base import Strategy

if TYPE_CHECKING:
    from torch import Tensor
    from torch.optim import Optimizer

    from evoframe.kernel.context import Context
    from evoframe.kernel.genotype import State
    from evoframe.kernel.life import Batch
    from evoframe.kernel.phenotype import Phenotype


@attrs.frozen
class Nurture(Strategy, ABC):
    """Takes part in a training at any of its moments; each does nothing unless overridden.

    What must be remembered from one moment to the next is kept by what :meth:`begin` returns.
    Randomness comes from ``context.key`` (give it a path of your own, with epoch and step).

    Reads training data alone, unless its class says ``sees = "validation"``, as one that stops
    early would; the record of a run shows that. Nobody reads test data.

    Traits:
        ``rewires``: :meth:`after_step` and :meth:`after_epoch` may return other masks, made
            by ``phenotype.masked(masks)``.
        ``pausable``: what :meth:`begin` returns can be put down in the midst of an epoch. One that
            does not override :meth:`begin` keeps nothing and needs not say so.
    """

    role: ClassVar[str] = "nurture"
    sees: ClassVar[str] = "train"

    def begin(self, phenotype: Phenotype, context: Context) -> Nurture:
        """Return the companion that acts in this life: itself, or one that may keep state.

        Called once before the first epoch, and again when a life is taken up from a checkpoint:
        what it returns must follow from the arguments alone.
        """
        return self

    def before_epoch(self, phenotype: Phenotype, context: Context, epoch: int) -> None:
        """Act before an epoch; the first is 0."""

    def shape_loss(
        self, loss: Tensor, phenotype: Phenotype, batch: Batch, context: Context
    ) -> Tensor:
        """Return the loss to minimise, given the task's own (a scalar with its graph)."""
        return loss

    def after_backward(self, phenotype: Phenotype, context: Context, step: int) -> None:
        """Act on gradients before the optimiser's step; the first step of a life is 0."""

    def after_step(
        self, phenotype: Phenotype, optimiser: Optimizer, context: Context, step: int
    ) -> Phenotype:
        """Return the phenotype to go on with after an optimiser's step."""
        return phenotype

    def after_epoch(self, phenotype: Phenotype, context: Context, epoch: int) -> Phenotype:
        """Return the phenotype to go on with after an epoch."""
        return phenotype

    def after_life(self, phenotype: Phenotype, context: Context) -> Phenotype:
        """Return the phenotype that is to be judged, when the last epoch is over.

        Once in a life, however early it ends; not where it waits on a rung. Before that,
        ``context.life.epochs`` says how many epochs there will be at most.
        """
        return phenotype

    def put_down(self, phenotype: Phenotype, context: Context) -> State:
        """Return the tensors that it keeps, and let go of the network; called on a companion.

        A life may be put down after any epoch or step, and is taken up again in this process, at
        once perhaps, or in another one.
        """
        return {}

    def take_up(self, kept: State, phenotype: Phenotype, context: Context) -> None:
        """Go on with what :meth:`put_down` returned; called on a companion that has just begun.

        In the midst of an epoch :meth:`before_epoch` is not called again.
        """
