"""Rounding: a network is trained with weights of few bits, and is born and judged with those.

In forward and backward passes weights are rounded to the bits of their layer; the optimiser's step
is taken on the weights as they were before, by the gradients that the rounded ones got (the
"straight-through" estimator of 1308.3432, as in quantisation-aware training). Small steps so add
up, where each of them alone would be rounded away. At the end of a life the rounded weights are
what stays: the genotype holds exactly the weights that were judged.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import attrs
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from evoframe.kernel import precision
from evoframe.kernel.context import Context
from evoframe.kernel.genotype import State
from evoframe.kernel.phenotype import Phenotype
from evoframe.kernel.rungs import PAUSABLE
from evoframe.roles import Nurture


@attrs.frozen
class Rounding(Nurture):
    """Keeps weights rounded to the bits that the environment `precision` noted."""

    name: ClassVar[str] = "rounding"
    traits: ClassVar[frozenset[str]] = frozenset({PAUSABLE})

    def begin(self, phenotype: Phenotype, context: Context) -> Nurture:
        """Return a companion that keeps the weights before they were rounded."""
        noted, weights = precision.bits_of(context.notes), context.ancestor.strengths()
        return _Rounder(
            {
                name: bits
                for name, bits in noted.items()
                if name in weights and weights[name].dtype in precision.KINDS
            }
        )


@attrs.frozen(eq=False)
class _Rounder(Nurture):
    """Rounding within one life.

    Attributes:
        bits: of each layer.
        fine: weights as the optimiser has left them.
        given: what they were rounded to.
    """

    bits: dict[str, int]
    fine: dict[str, Tensor] = attrs.field(factory=dict)
    given: dict[str, Tensor] = attrs.field(factory=dict)

    @torch.no_grad()
    def before_epoch(self, phenotype: Phenotype, context: Context, epoch: int) -> None:
        if not epoch:  # a newborn, and of a litter maybe not the first: nothing is known of it yet
            self.fine.clear()
            self.given.clear()
        for name, value in self._layers(phenotype.network):
            self._round(name, value, self._before(name, value))

    @torch.no_grad()
    def after_backward(self, phenotype: Phenotype, context: Context, step: int) -> None:
        for name, value in self._layers(phenotype.network):
            value.copy_(self._before(name, value))

    @torch.no_grad()
    def after_step(
        self, phenotype: Phenotype, optimiser: Optimizer, context: Context, step: int
    ) -> Phenotype:
        for name, value in self._layers(phenotype.network):
            self._round(name, value, value)
        return phenotype

    @torch.no_grad()
    def after_life(self, phenotype: Phenotype, context: Context) -> Phenotype:
        # Averages, or the best of an earlier epoch, may have taken the place of the last weights.
        for name, value in self._layers(phenotype.network):
            value.copy_(precision.rounded(value, self.bits[name]))
        return phenotype

    def put_down(self, phenotype: Phenotype, context: Context) -> State:
        return {
            f"{kind}.{name}": value
            for kind, held in (("fine", self.fine), ("given", self.given))
            for name, value in held.items()
        }

    def take_up(self, kept: State, phenotype: Phenotype, context: Context) -> None:
        for name, value in self._layers(phenotype.network):
            for kind, held in (("fine", self.fine), ("given", self.given)):
                if (before := kept.get(f"{kind}.{name}")) is not None:
                    held[name] = before.to(value.device, copy=True)

    def _layers(self, network: nn.Module) -> Iterator[tuple[str, nn.Parameter]]:
        return ((name, one) for name, one in network.named_parameters() if name in self.bits)

    def _before(self, name: str, value: Tensor) -> Tensor:
        """Return weights before they were rounded; what somebody else has changed is as it is."""
        if name not in self.fine:
            return value
        return torch.where(value == self.given[name], self.fine[name], value)

    def _round(self, name: str, value: Tensor, fine: Tensor) -> None:
        self.fine[name] = fine.detach().clone()
        self.given[name] = precision.rounded(fine, self.bits[name])
        value.copy_(self.given[name])
