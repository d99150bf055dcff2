"""Bundles: which channels a network must keep, and which live or die together.

A network stays made of rectangular tensors, so channels cannot be removed one by one: tied
channels go together, and a grid loses whole lines. Two questions follow, each the other's dual:

* some channels are alive: which must **stay** with them? :meth:`Bundles.staying` is the smallest
  set that a network can be built from. A class stays if any channel of it lives.
* some channels are to go: which must **leave** with them? :meth:`Bundles.leaving` is what dies
  when all that depends on them is dead too. A class leaves if any channel of it goes.

Two layers of three channels, 0 to 2 and 3 to 5, whose outputs are added one to one:

>>> import torch
>>> classes = torch.tensor([0, 1, 2, 0, 1, 2])
>>> layers = torch.arange(3), torch.arange(3, 6)
>>> bundles = Bundles(classes, torch.zeros(6, dtype=torch.bool), grids=(), layers=layers)

Channel 1 is dead, but channel 4, which is added to it, lives: both stay. To be rid of channel 1
is to be rid of both, and then both can go:

>>> bundles.staying(torch.tensor([True, False, True, True, True, True])).tolist()
[True, True, True, True, True, True]
>>> gone = bundles.leaving(torch.tensor([False, True, False, False, False, False]))
>>> gone.nonzero().flatten().tolist()
[1, 4]
>>> bool((bundles.staying(~gone) == ~gone).all())
True

So one undoes the other wherever what leaves is free to: nothing of it is kept for other reasons,
and every layer has enough channels left.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from functools import cached_property

import attrs
import torch
from torch import Tensor

from evoframe.anatomy.channels.grid import Grid
from evoframe.anatomy.plan.groups import Groups
from evoframe.kernel.widths import Bound


@attrs.frozen(eq=False)
class Bundles:
    """How channels of an ancestor depend on each other when they are removed.

    Attributes:
        classes: for each channel the number of its class; tied channels share one.
        kept: bool, channels that are never removed.
        grids: blocks of channels that lose whole lines of an axis.
        layers: the output channels of each layer that evolves, each once.
        at_least: how many output channels every layer keeps, dead ones if need be; below 1, the
            share of them.
        multiple: what the number of output channels of a layer is rounded up to, where it can.
        others: the output channels of layers that do not evolve.
        wider: pairs of sets of channels: of the first, more stay than of the second.
        bounds: what a person says of single layers, by their numbers.
    """

    classes: Tensor
    kept: Tensor
    grids: tuple[Grid, ...]
    layers: tuple[Tensor, ...]
    at_least: float = 1
    multiple: int = 1
    others: tuple[Tensor, ...] = ()
    wider: tuple[tuple[Tensor, Tensor], ...] = ()
    bounds: Mapping[int, Bound] = attrs.field(factory=dict)

    # --- what stays, and what leaves ---------------------------------------------------------

    def staying(self, alive: Tensor) -> Tensor:
        """Return the smallest set of channels that can stay and holds all the living.

        Begins with all that is dead as lost, and gives back what the rest cannot do without,
        until nothing more comes back. Only what is lost is ever looked at, so a network that
        loses little is closed quickly.

        Args:
            alive: bool, one entry a channel; so is the result.
        """
        # int64, (lost,): a fixed point, since a layer
        # that is filled may give a class or a grid back.
        lost, before = (~(alive | self.kept)).nonzero().flatten(), -1
        staying = torch.ones_like(alive)
        while len(lost) != before:
            before = len(lost)
            lost = self._whole_classes(lost)
            # The same tensor in every round: a network may have a hundred thousand channels.
            staying.fill_(True)
            staying[lost] = False
            for index in self.different_grids_with(lost):
                grid = self.grids[index]
                staying[grid.channels] |= grid.filled(staying[grid.channels])
            for index in self._lacking(lost):
                self._fill(index, staying)
            for wide, narrow in self.wider:
                _fill_up(wide, staying, int(staying[narrow].sum()) + 1)
            lost = lost[~staying[lost]]
        return staying

    def leaving(self, gone: Tensor) -> Tensor:
        """Return the channels that leave with some when whatever depends on those is dead too.

        Grids overlap, so a line of one may break a line of another, which then goes as a whole: a
        dimension of the heads of attention leaves queries, keys and values together. What is kept
        for other reasons is not asked here.

        Args:
            gone: bool, one entry a channel; so is the result.
        """
        before = -1
        while (now := int(gone.sum())) != before:
            marked = torch.zeros_like(gone)  # by class: any channel of it goes
            marked[self.classes[gone]] = True
            gone = marked[self.classes]
            for index in self.different_grids_with(gone.nonzero().flatten()):
                grid = self.grids[index]
                gone[grid.channels[grid.broken(gone[grid.channels])]] = True
            before = now
        return gone

    def count(self, staying: Tensor) -> int:
        """Return the number of removable classes of layers' output channels among these."""
        fixed = self.by_class(self.kept)
        outputs = torch.cat(self.layers)
        return len(torch.unique(self.classes[outputs[staying[outputs] & ~fixed[outputs]]]))

    @cached_property
    def pinned(self) -> Tensor:
        """The channels of layers that could only leave as a whole, and never do; a bool for each.

        Such a layer is viewed as a grid no axis of which can lose a line.
        """
        fixed: dict[bytes, set[int]] = {}
        for grid in self.grids:
            single = {at for at, size in enumerate(grid.channels.shape) if size == 1}
            fixed.setdefault(_block(grid), set()).update(grid.fixed, single)
        found, layers = torch.zeros_like(self.kept), list(enumerate(self._every_layer))
        for grid in self.grids:
            whole = torch.zeros_like(self.kept)
            whole[grid.channels.flatten()] = True
            stuck = len(fixed[_block(grid)]) == grid.channels.ndim
            if stuck and any(self.least(at) and bool(whole[one].all()) for at, one in layers):
                found |= whole
        return self.by_class(found)

    def least(self, index: int) -> int:
        """Return the number of output channels that a layer keeps at least."""
        count, bound = len(self._every_layer[index]), self.bounds.get(index)
        share = self.at_least * count if self.at_least < 1 else self.at_least
        least = math.ceil(share - 1e-9)  # a tenth of 30 is 3, whatever floats say
        return least if bound is None else max(least, bound.least)

    def rounded(self, index: int) -> int:
        """Return the number of which a layer has a multiple of output channels."""
        bound = self.bounds.get(index)
        return self.multiple if bound is None else math.lcm(self.multiple, bound.multiple)

    # --- classes and grids by channel --------------------------------------------------------

    def by_class(self, channels: Tensor) -> Tensor:
        """Return the channels of all classes that have a channel among these; a bool for each."""
        found = torch.zeros_like(channels)  # no more classes than channels
        found[self.classes[channels]] = True
        return found[self.classes]

    def members(self, label: Tensor) -> Tensor:
        """Return the channels of one class, in order."""
        ordered, ends = self._by_class
        return ordered[int(ends[label]) : int(ends[label + 1])]

    def grids_with(self, channels: Tensor) -> list[int]:
        """Return the grids that hold any of these channels, given by their numbers."""
        return self._in_grids.having(channels)

    def different_grids_with(self, channels: Tensor) -> list[int]:
        """Return the same, but only the first of several that hold the same classes alike.

        Every reduction inside the heads of attention makes a grid, and what one of these says the
        others say again.
        """
        return [self._different[index] for index in self._in_different.having(channels)]

    @cached_property
    def _different(self) -> list[int]:
        """Return the grids that hold other classes, or hold them otherwise, than those before."""
        found: dict[tuple[object, ...], int] = {}
        for index, grid in enumerate(self.grids):
            classes = self.classes[grid.channels]
            same = (classes.numpy().tobytes(), classes.shape, grid.fixed, grid.parts, grid.bound)
            found.setdefault(same, index)
        return list(found.values())

    @cached_property
    def _in_different(self) -> Groups:
        grids = [self.grids[index].channels for index in self._different]
        return Groups.of(grids, len(self.classes))

    @cached_property
    def _by_class(self) -> tuple[Tensor, Tensor]:
        """Return the channels sorted by their classes, and where each class begins."""
        ends = self._sizes.cumsum(0)
        return self.classes.argsort(stable=True), torch.cat([ends.new_zeros(1), ends])

    @cached_property
    def _sizes(self) -> Tensor:
        return torch.bincount(self.classes, minlength=len(self.classes))

    @cached_property
    def _in_grids(self) -> Groups:
        return Groups.of([grid.channels for grid in self.grids], len(self.classes))

    @cached_property
    def _in_layers(self) -> Groups:
        return Groups.of(self._every_layer, len(self.classes))

    @property
    def _every_layer(self) -> tuple[Tensor, ...]:
        return (*self.layers, *self.others)

    def _whole_classes(self, lost: Tensor) -> Tensor:
        """Return those of some channels whose classes are among them as a whole."""
        classes = self.classes[lost]
        _, inverse, counts = torch.unique(classes, return_inverse=True, return_counts=True)
        # A class is lost when as many of its channels are lost as it has; no loop over classes.
        return lost[counts[inverse] == self._sizes[classes]]

    def _lacking(self, lost: Tensor) -> list[int]:
        """Return the layers that may have fewer channels than they should."""
        return [
            index
            for index, count in Counter(self._in_layers.each(lost).tolist()).items()
            if self.rounded(index) > 1 or self._is_short(index, count)
        ]

    def _is_short(self, index: int, lost: int) -> bool:
        return len(self._every_layer[index]) - lost < self.least(index)

    def _fill(self, index: int, staying: Tensor) -> None:
        """Let dead channels stay until the layer has as many as it should (in place)."""
        layer, multiple = self._every_layer[index], self.rounded(index)
        wanted = -(-max(int(staying[layer].sum()), self.least(index)) // multiple) * multiple
        _fill_up(layer, staying, wanted)


def _fill_up(layer: Tensor, staying: Tensor, wanted: int) -> None:
    """Let dead channels of a layer stay until it has as many as wanted, or all (in place)."""
    missing = min(wanted, len(layer)) - int(staying[layer].sum())
    # The first of the dead ones: which do not matter, so long as it is the same ones each time.
    if missing > 0:
        staying[layer[~staying[layer]][:missing]] = True


def _block(grid: Grid) -> bytes:
    """Return a key that grids share which hold the same channels in the same block."""
    return repr(tuple(grid.channels.shape)).encode() + grid.channels.contiguous().numpy().tobytes()
