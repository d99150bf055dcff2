"""Bundles: which channels a network must keep, and which live or die together.

A network stays made of rectangular tensors, so channels cannot be removed one by one: tied
channels go together, and a block loses whole rows or columns. The *closure* of the living channels
is the smallest set that a network can be built from.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import cached_property

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
        layers: the output channels of each layer that evolves, each once.
        at_least: how many output channels every layer keeps, dead ones if need be.
        multiple: what the number of output channels of a layer is rounded up to, where it can.
        others: the output channels of layers that do not evolve.
    """

    classes: Tensor
    kept: Tensor
    grids: tuple[Grid, ...]
    layers: tuple[Tensor, ...]
    at_least: int = 1
    multiple: int = 1
    others: tuple[Tensor, ...] = ()

    def closure(self, alive: Tensor) -> Tensor:
        """Return the smallest set of channels that can stay and holds all the living."""
        lost, before = (~(alive | self.kept)).nonzero().flatten(), -1
        staying = torch.ones_like(alive)
        while len(lost) != before:
            before = len(lost)
            lost = self._whole_classes(lost)
            staying.fill_(True)
            staying[lost] = False
            for index in self._in_grids.having(lost):
                grid = self.grids[index]
                staying[grid.channels] |= grid.slots(staying[grid.channels])
            for index in self._lacking(lost):
                self._fill(self._every_layer[index], staying)
            lost = lost[~staying[lost]]
        return staying

    def count(self, staying: Tensor) -> int:
        """Return how many removable classes of layers' output channels are among these."""
        fixed = self.by_class(self.kept)
        outputs = torch.cat(self.layers)
        return len(torch.unique(self.classes[outputs[staying[outputs] & ~fixed[outputs]]]))

    @cached_property
    def _in_grids(self) -> Groups:
        return Groups.of([grid.channels for grid in self.grids], len(self.classes))

    @cached_property
    def _in_layers(self) -> Groups:
        return Groups.of(self._every_layer, len(self.classes))

    @property
    def _every_layer(self) -> tuple[Tensor, ...]:
        return (*self.layers, *self.others)

    @cached_property
    def _sizes(self) -> Tensor:
        return torch.bincount(self.classes, minlength=len(self.classes))

    def _lacking(self, lost: Tensor) -> list[int]:
        """Return the layers that may have fewer channels than they should."""
        least = self.at_least
        return [
            index
            for index, count in Counter(self._in_layers.each(lost).tolist()).items()
            if self.multiple > 1 or len(self._every_layer[index]) - count < least
        ]

    def _fill(self, layer: Tensor, staying: Tensor) -> None:
        """Let dead channels stay until the layer has as many as it should (in place)."""
        count = int(staying[layer].sum())
        wanted = -(-max(count, self.at_least) // self.multiple) * self.multiple
        if missing := min(wanted, len(layer)) - count:
            staying[layer[~staying[layer]][:missing]] = True

    def by_class(self, channels: Tensor) -> Tensor:
        """Return the channels of all classes that have a channel among these; a bool for each."""
        lost = self._whole_classes((~channels).nonzero().flatten())
        flags = torch.ones_like(channels)
        flags[lost] = False
        return flags

    def members(self, label: Tensor) -> Tensor:
        """Return the channels of one class, in order."""
        ordered, ends = self._by_class
        return ordered[int(ends[label]) : int(ends[label + 1])]

    @cached_property
    def _by_class(self) -> tuple[Tensor, Tensor]:
        """Return the channels sorted by their classes, and where each class begins."""
        ends = self._sizes.cumsum(0)
        return self.classes.argsort(stable=True), torch.cat([ends.new_zeros(1), ends])

    def grids_with(self, channels: Tensor) -> list[int]:
        """Return the grids that hold any of these channels, given by their numbers."""
        return self._in_grids.having(channels)

    def _whole_classes(self, lost: Tensor) -> Tensor:
        """Return those of some channels whose classes are among them as a whole."""
        classes = self.classes[lost]
        _, places, counts = torch.unique(classes, return_inverse=True, return_counts=True)
        return lost[counts[places] == self._sizes[classes]]


@attrs.frozen(eq=False)
class Groups:
    """Groups of channels, to be looked up by channel.

    Attributes:
        owners: the group of each member, sorted by channel.
        starts: where the members of each channel begin among them; one entry more than channels.
    """

    owners: Tensor
    starts: Tensor

    @classmethod
    def of(cls, groups: Sequence[Tensor], count: int) -> Groups:
        """Return the groups over so many channels."""
        sizes = torch.tensor([group.numel() for group in groups], dtype=torch.long)
        flat = torch.cat([group.reshape(-1) for group in groups]) if groups else sizes
        owners = torch.arange(len(groups)).repeat_interleave(sizes)
        ends = torch.bincount(flat, minlength=count).cumsum(0)
        return cls(owners[flat.argsort()], torch.cat([ends.new_zeros(1), ends]))

    def each(self, channels: Tensor) -> Tensor:
        """Return the group of every place at which one of these channels is a member."""
        first, counts = self.starts[channels], self.starts[channels + 1] - self.starts[channels]
        ends = counts.cumsum(0)
        steps = torch.arange(int(ends[-1]) if len(ends) else 0)
        return self.owners[steps + (first - ends + counts).repeat_interleave(counts)]

    def having(self, channels: Tensor) -> list[int]:
        """Return the groups that have any of these channels."""
        return sorted(set(self.each(channels).tolist()))
