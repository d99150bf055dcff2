"""Averages of weights over the steps of a life, which often generalise better than the last ones.

    e <- decay * e + (1 - decay) * w    after every step, from the weights of the newborn on

Polyak and Juditsky (1992); buffers such as the statistics of batch norm are averaged as well.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from evoframe.kernel.genotype import State
from evoframe.kernel.modules.entries import state_of


class Averages:
    """The averages of a network's parameters and buffers that are fractions."""

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.decay = decay
        self.values = {name: one.detach().clone() for name, one in _fractions(network).items()}

    @torch.no_grad()
    def follow(self, network: nn.Module) -> None:
        """Take a step's weights into account."""
        for name, value in _fractions(network).items():
            self.values[name].mul_(self.decay).add_(value, alpha=1 - self.decay)

    @torch.no_grad()
    def swap(self, network: nn.Module) -> None:
        """Exchange the weights of a network with their averages."""
        for name, value in _fractions(network).items():
            last = value.detach().clone()
            value.copy_(self.values[name])
            self.values[name].copy_(last)

    def take_up(self, kept: State) -> None:
        """Go on with averages that were put down."""
        for name, value in kept.items():
            self.values[name].copy_(value)


def _fractions(network: nn.Module) -> Mapping[str, Tensor]:
    return {name: one for name, one in state_of(network).items() if one.is_floating_point()}
