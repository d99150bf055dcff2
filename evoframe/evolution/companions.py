"""Companions: nurtures as a training meets them, each looked at and named if it fails."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor
from torch.optim import Optimizer

from evoframe.errors import ContractError
from evoframe.evolution.blame import acting
from evoframe.evolution.contract import require_loss, require_phenotype, require_type
from evoframe.kernel.context import Context
from evoframe.kernel.genotype import State
from evoframe.kernel.life import Batch, Companion
from evoframe.kernel.phenotype import Phenotype
from evoframe.roles.nurture import Nurture

MOMENTS = ("before_epoch", "shape_loss", "after_backward", "after_step", "after_epoch")


class Watched:
    """A nurture, or the companion that it sent, whose answers are looked at before they count.

    Whatever else it has can be asked of this as of itself.
    """

    def __init__(self, nurture: Nurture, index: int, companion: Companion | None = None) -> None:
        self._nurture, self._index = nurture, index
        self._companion = nurture if companion is None else companion
        self._sent: Watched | None = None
        self._is_over = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["_companion"], name)

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        """The class of whom it stands for, so that ``isinstance`` tells what it always told."""
        return type(self._companion)

    def __eq__(self, other: object) -> bool:
        return bool(self._companion == other)

    def __hash__(self) -> int:
        return hash(self._companion)

    def begin(self, phenotype: Phenotype, context: Context) -> Watched:
        """Return the companion that acts in this life."""
        with acting(self._nurture, context, self._index):
            sent = self._companion.begin(phenotype, context)
            if missing := [name for name in MOMENTS if not callable(getattr(sent, name, None))]:
                raise ContractError(
                    f"begin() returned {sent!r}, which has no {missing[0]}(); wanted a companion: "
                    "a nurture, such as itself"
                )
        self._sent = Watched(self._nurture, self._index, sent)
        return self._sent

    def before_epoch(self, phenotype: Phenotype, context: Context, epoch: int) -> None:
        """Act before an epoch."""
        with acting(self._nurture, context, self._index):
            self._companion.before_epoch(phenotype, context, epoch)

    def shape_loss(
        self, loss: Tensor, phenotype: Phenotype, batch: Batch, context: Context
    ) -> Tensor:
        """Return the loss to minimise."""
        with acting(self._nurture, context, self._index):
            shaped = self._companion.shape_loss(loss, phenotype, batch, context)
            require_loss(shaped, loss)
        return shaped

    def after_backward(self, phenotype: Phenotype, context: Context, step: int) -> None:
        """Act on gradients."""
        with acting(self._nurture, context, self._index):
            self._companion.after_backward(phenotype, context, step)

    def after_step(
        self, phenotype: Phenotype, optimiser: Optimizer, context: Context, step: int
    ) -> Phenotype:
        """Return the phenotype to go on with after a step."""
        with acting(self._nurture, context, self._index):
            found = self._companion.after_step(phenotype, optimiser, context, step)
            require_phenotype(found, phenotype)
        return found

    def after_epoch(self, phenotype: Phenotype, context: Context, epoch: int) -> Phenotype:
        """Return the phenotype to go on with after an epoch."""
        with acting(self._nurture, context, self._index):
            found = self._companion.after_epoch(phenotype, context, epoch)
            require_phenotype(found, phenotype)
        return found

    def after_life(self, phenotype: Phenotype, context: Context) -> Phenotype:
        """Return the phenotype that is to be judged; as it is where no such moment is known."""
        self._is_over = True
        if not callable(end := getattr(self._companion, "after_life", None)):
            return phenotype
        with acting(self._nurture, context, self._index):
            found: Phenotype = end(phenotype, context)
            require_phenotype(found, phenotype)
        return found

    def sent_and_not_over(self) -> Watched | None:
        """Return the companion that it sent, if that was not told of the end of the life."""
        sent = self._sent
        return None if sent is None or sent._is_over else sent  # noqa: SLF001  its own class

    def put_down(self, phenotype: Phenotype, context: Context) -> State:
        """Return the tensors that it keeps; none if it knows of no such moment."""
        if not callable(put_down := getattr(self._companion, "put_down", None)):
            return {}
        with acting(self._nurture, context, self._index):
            kept = put_down(phenotype, context)
            require_type(kept, Mapping, "tensors by name")
            for value in kept.values():
                require_type(value, Tensor, "a tensor")
        return dict(kept)

    def take_up(self, kept: State, phenotype: Phenotype, context: Context) -> None:
        """Go on with what it kept."""
        if callable(take_up := getattr(self._companion, "take_up", None)):
            with acting(self._nurture, context, self._index):
                take_up(kept, phenotype, context)


def ended(phenotype: Phenotype, context: Context) -> Phenotype:
    """Return the phenotype after the end of a life, for trainings that do not tell companions.

    Args:
        phenotype: as the training left it.
        context: of the life, with the companions that it was given.
    """
    for one in context.life.companions:
        if isinstance(one, Watched) and (sent := one.sent_and_not_over()) is not None:
            phenotype = sent.after_life(phenotype, context)
    return phenotype
