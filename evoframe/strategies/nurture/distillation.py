"""Distillation: a newborn learns from its parent or the ancestor besides the labels (1503.02531).

    L = (1 - a) * L_task + a * T^2 * KL(softmax(t / T) || softmax(s / T))

with t the teacher's outputs and s the newborn's. Where there is one class, as in a map of what is
salient, the softmax would be 1 whatever is said; there it is the sigmoid and what it leaves.
Outputs that are no class scores are compared by their mean squared difference instead.

The teacher is asked on the same batch, in evaluation mode and without gradients. What either of
the two answers is caught where its forward pass ends, so a task needs to know nothing of it.
"""

from __future__ import annotations

from typing import ClassVar, Literal

import attrs
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812  torch's own convention

from evoframe.errors import TaskError, shortened
from evoframe.kernel.context import Context
from evoframe.kernel.genotype import State
from evoframe.kernel.life import Batch
from evoframe.kernel.modules.outputs import Heard, divergence
from evoframe.kernel.phenotype import Phenotype
from evoframe.kernel.rungs import PAUSABLE
from evoframe.roles import Nurture, doc

LISTENS = "listens"
"""What a pupil keeps in the midst of an epoch: that it was listening."""


@attrs.frozen
class Distillation(Nurture):
    """Distils the outputs of the parent or the ancestor into newborns."""

    name: ClassVar[str] = "distillation"
    traits: ClassVar[frozenset[str]] = frozenset({PAUSABLE})

    teacher: Literal["parent", "ancestor"] = attrs.field(
        default="parent", metadata=doc("teacher; of several parents the first")
    )
    share: float = attrs.field(
        default=0.5,
        validator=[attrs.validators.ge(0), attrs.validators.le(1)],
        metadata=doc("share of the distillation loss in the total loss (alpha)"),
    )
    temperature: float = attrs.field(
        default=2.0,
        validator=attrs.validators.gt(0),
        metadata=doc("temperature of the class probabilities compared"),
    )
    of: Literal["scores", "values"] = attrs.field(
        default="scores",
        metadata=doc(
            "type of outputs: class scores along axis 1 (one class: binary), or values to match"
        ),
    )

    def begin(self, phenotype: Phenotype, context: Context) -> Nurture:
        """Return a pupil: itself with a teacher and an ear for what the newborn says."""
        parents = context.parents if self.teacher == "parent" else ()
        genotype = parents[0].genotype if parents else context.ancestor
        network = context.anatomy.develop(genotype).network
        # In evaluation mode: a teacher with dropout would say something else each time.
        teacher = Heard(network.eval().requires_grad_(requires_grad=False))
        return _Pupil(self, teacher, Heard(phenotype.network))

    def distance(self, taught: Tensor, said: Tensor) -> Tensor:
        """Return the distance of an output from the teacher's: a scalar, zero where they agree."""
        if self.of == "values":
            return F.mse_loss(said, taught)
        return self.temperature**2 * divergence(taught / self.temperature, said / self.temperature)


@attrs.frozen(eq=False)
class _Pupil(Nurture):
    """Distillation within one life."""

    wish: Distillation
    teacher: Heard
    newborn: Heard

    def before_epoch(self, phenotype: Phenotype, context: Context, epoch: int) -> None:
        # Another strategy may have given back another phenotype after the last epoch.
        self.newborn.network = phenotype.network
        self.newborn.listen()

    def shape_loss(
        self, loss: Tensor, phenotype: Phenotype, batch: Batch, context: Context
    ) -> Tensor:
        with torch.no_grad(), self.teacher:
            # The task's own step, and not the network: only
            # the task knows which part of a batch goes in.
            context.task.step(self.teacher.network, batch)
        pairs = _pairs(self.teacher.outputs(), self.newborn.outputs(), context)
        imitation = torch.stack([self.wish.distance(*pair) for pair in pairs]).mean()
        return (1 - self.wish.share) * loss + self.wish.share * imitation

    def after_epoch(self, phenotype: Phenotype, context: Context, epoch: int) -> Phenotype:
        self.newborn.stop()
        return phenotype

    def put_down(self, phenotype: Phenotype, context: Context) -> State:
        if self.newborn.handle is None:
            return {}
        self.newborn.stop()
        return {LISTENS: torch.tensor(data=True)}

    def take_up(self, kept: State, phenotype: Phenotype, context: Context) -> None:
        if LISTENS in kept:
            self.newborn.network = phenotype.network
            self.newborn.listen()


def _pairs(taught: list[Tensor], said: list[Tensor], context: Context) -> list[tuple[Tensor, ...]]:
    """Return each output of the teacher with the one of the newborn that is like it.

    Raises:
        TaskError: there is none, or they are not alike.
    """
    if not taught and not said:
        raise TaskError(
            f"nurture 'distillation' compares what networks return, and the network of task "
            f"{context.task.name!r} returns no tensor of numbers."
        )
    shapes = [[tuple(one.shape) for one in several] for several in (taught, said)]
    if shapes[0] != shapes[1]:
        taught_shapes, said_shapes = (shortened(map(str, found)) for found in shapes)
        raise TaskError(
            f"nurture 'distillation' compares what networks return, and the network of task "
            f"{context.task.name!r} returns tensors of shapes {taught_shapes} in evaluation "
            f"mode, where it teaches, and {said_shapes} in training mode, where it learns. "
            "Leave distillation out, or let the network return the same in both, as without "
            "auxiliary heads."
        )
    return list(zip(taught, said, strict=True))
