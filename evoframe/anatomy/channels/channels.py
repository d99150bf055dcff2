"""Channels of an ancestor while it is traced: who feeds, reads and resembles whom."""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import torch
from torch import Tensor, nn

from evoframe.anatomy.channels.grid import Grid
from evoframe.anatomy.channels.size_attribute import SizeAttribute
from evoframe.kernel.wiring import Derived, Holding


@attrs.define(eq=False)
class Channels:
    """All channels seen so far, numbered from 0; it grows with every call of a forward pass.

    Attributes:
        count: how many there are.
        fed: channels that something other than a synapse writes.
        read: channels that something other than a synapse reads.
        kept: channels that may not be removed.
        ties: pairs of tensors of one shape: channels at the same position leave together.
        grids: blocks that only lose whole lines.
        steps: parameters and derived channels in the order of the forward pass.
        held: slices of parameters and buffers that live with channels, by entry and axis.
        size_attributes: numbers in modules that count channels.
        wider: pairs of sets of channels: of the first, more stay than of the second.
        recurs: whether channels are written by what comes after them.
        constant: channels that are a number other than zero where they are dead, and with which
            the synapses that read them go.
    """

    count: int = 0
    fed: list[Tensor] = attrs.Factory(list)
    read: list[Tensor] = attrs.Factory(list)
    kept: list[Tensor] = attrs.Factory(list)
    ties: list[tuple[Tensor, Tensor]] = attrs.Factory(list)
    grids: list[Grid] = attrs.Factory(list)
    steps: list[str | Derived] = attrs.Factory(list)
    held: dict[tuple[str, int], Holding] = attrs.Factory(dict)
    size_attributes: list[SizeAttribute] = attrs.Factory(list)
    wider: list[tuple[Tensor, Tensor]] = attrs.Factory(list)
    recurs: bool = False
    constant: list[Tensor] = attrs.Factory(list)

    def new(self, count: int, *, fed: bool) -> Tensor:
        """Return so many new channels: their numbers, int64, (count,)."""
        channels = torch.arange(self.count, self.count + count)
        self.count += count
        if fed:
            self.fed.append(channels)
        return channels

    def derive(self, parts: Sequence[Tensor], *, every: bool = False, fed: bool = False) -> Tensor:
        """Return channels derived elementwise from signals of one shape.

        One new channel for each different combination of parts: a sum of two signals of C
        channels has C of them, however often they are repeated along the axes. They are tied to
        the parts that meet them one to one; a part that is spread over several of them is not,
        or several channels of a layer would be tied to each other through it.

        Args:
            parts: the signals, at least one.
            every: a new channel needs all of its parts, as a product does; else any will do.
            fed: something other than the parts writes it as well.
        """
        flat = torch.stack([part.reshape(-1) for part in parts])
        if len(parts) > 1 and bool((flat == flat[0]).all()) and not fed:
            return parts[0]  # something meets itself: there is nothing new
        # (parts, elements) -> (parts, C): a map of C channels over H x W holds C different columns.
        unique, inverse = _unique_columns(flat)
        channels = self.new(unique.shape[1], fed=fed)
        self.steps.append(Derived(channels, tuple(unique), every))
        for part in unique:
            if len(part.unique()) == len(part):
                self.ties.append((channels, part))
        return channels[inverse].reshape(parts[0].shape)

    def write(self, channels: Tensor, more: Tensor) -> None:
        """Let more channels write channels that are there already, and leave with them.

        Args:
            channels: some of them.
            more: one for each of those.
        """
        pairs = torch.stack([channels.reshape(-1), more.reshape(-1)])
        pairs = torch.unique(pairs[:, pairs[0] != pairs[1]], dim=1).contiguous()
        if not pairs.numel():
            return
        self.ties.append((pairs[0], pairs[1]))
        self.recurs = True
        # A step writes each of its channels once, so what several write takes several steps.
        turns = torch.arange(pairs.shape[1]) - torch.searchsorted(pairs[0], pairs[0])
        for turn in range(int(turns.max()) + 1):
            written, part = pairs[:, turns == turn]
            self.steps.append(Derived(written, (part,), every=False))

    def count_by(
        self, network: nn.Module, owner: str, attribute: str, signal: Tensor, axis: int
    ) -> bool:
        """Let an attribute of a module count an axis of a signal; tell whether it has it.

        Args:
            network: that is traced.
            owner: name of the module.
            attribute: name of the attribute.
            signal: the channels.
            axis: whose length the attribute may say.
        """
        if getattr(network.get_submodule(owner), attribute, None) != signal.shape[axis]:
            return False
        self.size_attributes.append(SizeAttribute(owner, attribute, None, signal, axis))
        return True

    def hold(self, entry: str, axis: int, channels: Tensor) -> None:
        """Let slices of a state entry live and die with channels.

        Where other channels hold them already, as of a batch norm that is called twice, both live
        while any of the two does: what shifts one of them shifts the other too.
        """
        # No entry twice in ``held``: two cuts of one axis would have to agree for every genotype.
        channels, place = channels.reshape(-1), (entry, axis)
        if place not in self.held:
            self.held[place] = Holding(entry, axis, channels)
        elif len(before := self.held[place].channels) == len(channels):
            self.write(before, channels)
            self.write(channels, before)
        else:  # one channel stands at all positions
            self.pin(before)
            self.pin(channels)

    @property
    def holdings(self) -> tuple[Holding, ...]:
        """What lives and dies with channels."""
        return tuple(self.held.values())

    def keep(self, channels: Tensor) -> None:
        """Rule out that channels are removed, and take them as read by somebody."""
        self.kept.append(channels.reshape(-1))
        self.read.append(channels.reshape(-1))

    def pin(self, channels: Tensor) -> None:
        """Rule out that channels ever die: something else writes them, and somebody reads them."""
        self.keep(channels)
        self.fed.append(channels.reshape(-1))

    def mark_read(self, channels: Tensor) -> None:
        """Take channels as read by something that is no synapse."""
        self.read.append(channels.reshape(-1))

    def derive_constant(self, part: Tensor) -> Tensor:
        """Return channels that are constant where those of a part are dead, and leave with them."""
        channels = self.derive([part])
        self.constant.append(channels.reshape(-1))
        return channels

    def are_zero(self, signal: Tensor) -> bool:
        """Tell whether channels are zero where they are dead, and not just read by nobody."""
        if not self.constant:
            return True
        flags = self.flags(self.constant)
        for step in self.steps:
            if isinstance(step, Derived):
                flags[step.channels] |= torch.stack([flags[part] for part in step.parts]).any(0)
        return not bool(flags[signal].any())

    def flags(self, marked: list[Tensor]) -> Tensor:
        """Return a bool for each channel: it is among the marked."""
        flags = torch.zeros(self.count, dtype=torch.bool)
        if marked:
            flags[torch.cat(marked)] = True
        return flags

    def classes(self) -> Tensor:
        """Return the number of each channel's class, int64, (channels,): tied channels have one.

        A union-find over whole tensors. A network may have a million ties, and a loop over pairs
        in Python would take longer than all the rest of a survey. ``label`` holds each channel's
        root, at first itself: a forest of int64, (channels,). In every round each root hooks onto
        the smallest root that any of its ties reaches, then chains are halved until each channel
        points at its root again. A number only ever falls, so the smallest channel of a class
        ends as its label, and the rounds grow with the logarithm of the longest chain of ties.
        """
        label = torch.arange(self.count)
        if not self.ties:
            return label
        # (2, all ties): the channels at the two ends of each tie.
        ends = torch.cat([torch.stack((a.reshape(-1), b.reshape(-1))) for a, b in self.ties], 1)
        while True:
            lower = torch.minimum(label[ends[0]], label[ends[1]])
            hooked = label.clone()
            for end in ends:  # the root at each end takes the lower root of all its ties
                hooked.scatter_reduce_(0, label[end], lower, "amin")
            # A channel without ties of its own follows its
            # root, which may just have been hooked elsewhere.
            hooked = torch.minimum(hooked, hooked[label])
            while not torch.equal(hooked, hooked[hooked]):
                hooked = hooked[hooked]
            if torch.equal(hooked, label):
                return label
            label = hooked


def _unique_columns(flat: Tensor) -> tuple[Tensor, Tensor]:
    """Return the different columns of a matrix, sorted, and which of them each column is."""
    # ``torch.unique`` of columns sorts them all; most signals are ascending ranges, so ask first.
    if bool((flat[0, 1:] > flat[0, :-1]).all()):  # the first row tells them apart, in order
        return flat, torch.arange(flat.shape[1])
    columns, inverse = torch.unique(flat, dim=1, return_inverse=True)
    return columns, inverse
