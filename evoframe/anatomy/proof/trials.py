"""Trials: what is run when a removal is tried by numbers, and what comes out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from torch import Tensor

from evoframe.anatomy.channels.size_attribute import Numbers as Attributes
from evoframe.anatomy.plan.cutting import Cut
from evoframe.anatomy.proof.distances import difference
from evoframe.anatomy.replacements import Idle


class Results(NamedTuple):
    """What a pass gives: outputs; in training also gradients and buffers, by name."""

    outputs: Sequence[Tensor]
    gradients: Sequence[Tensor] = ()
    buffers: Sequence[Tensor] = ()

    def differs_from(self, due: Results) -> str:
        """Return the difference from what is due in words; empty if there is none."""
        return (
            difference(self.outputs, due.outputs)
            or difference(self.buffers, due.buffers)
            or difference(self.gradients, due.gradients, among=True)
        )


class Mode(NamedTuple):
    """How a network is run: in training or not, and whether gradients flow back."""

    training: bool
    backward: bool = False

    def __str__(self) -> str:
        """Return the mode as people call it."""
        return "in training" if self.training else "in evaluation"


EVALUATION, TRAINING, LEARNING = Mode(training=False), Mode(training=True), Mode(True, True)


class Trial(NamedTuple):
    """One removal: the masked ancestor's state, and the smaller network that is made of it.

    Attributes:
        state: parameters and buffers of the masked ancestor.
        smaller: those of the smaller network.
        numbers: what attributes of the smaller network say.
        cuts: what is left of parameters and buffers.
        gone: bool, the channels that the smaller network is without.
        idle: modules that compute nothing there, of blocks that left.
    """

    state: Mapping[str, Tensor]
    smaller: Mapping[str, Tensor]
    numbers: Attributes
    cuts: Mapping[str, Cut]
    gone: Tensor
    idle: Mapping[str, Idle]
