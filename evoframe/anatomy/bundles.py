"""Bundles: which channels a network must keep, and which live or die together.

A network stays made of rectangular tensors, so channels cannot be removed one by one: tied
channels go together, and a block loses whole rows or columns. The *closure* of the living channels
is the smallest set that a network can be built from.
"""

from __future__ import annotations

import attrs
import torch
from torch import Tensor

from evoframe.anatomy.channels import Grid


@attrs.frozen(eq=False)
class Bundles:
    """How channels of an ancestor depend on each other when they are removed.

    Attributes:
        classes: for each channel the number of its class; tied channels share one.
        kept: bool, channels that are never removed.
        grids: blocks of channels that lose whole slots of an axis.
        layers: the output channels of each layer, each once.
        at_least: how many output channels every layer keeps, dead ones if need be.
        multiple: what the number of output channels of a layer is rounded up to, where it can.
    """

    classes: Tensor
    kept: Tensor
    grids: tuple[Grid, ...]
    layers: tuple[Tensor, ...]
    at_least: int = 1
    multiple: int = 1

    def closure(self, alive: Tensor) -> Tensor:
        """Return the smallest set of channels that can stay and holds all the living."""
        staying, before = self._by_class(alive | self.kept), -1
        while (now := int(staying.sum())) != before:
            for grid in self.grids:
                staying[grid.channels] |= grid.slots(staying[grid.channels])
            for layer in self.layers:
                self._fill(layer, staying)
            staying, before = self._by_class(staying), now
        return staying

    def count(self, staying: Tensor) -> int:
        """Return how many removable classes of layers' output channels are among these."""
        fixed = self._by_class(self.kept)
        outputs = torch.cat(self.layers)
        return len(torch.unique(self.classes[outputs[staying[outputs] & ~fixed[outputs]]]))

    def _fill(self, layer: Tensor, staying: Tensor) -> None:
        """Let dead channels stay until the layer has as many as it should (in place)."""
        count = int(staying[layer].sum())
        wanted = -(-max(count, self.at_least) // self.multiple) * self.multiple
        if missing := min(wanted, len(layer)) - count:
            staying[layer[~staying[layer]][:missing]] = True

    def _by_class(self, channels: Tensor) -> Tensor:
        flags = torch.zeros_like(channels)
        flags[self.classes[channels]] = True
        return flags[self.classes]
