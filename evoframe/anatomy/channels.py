"""Channels of an ancestor while it is surveyed: who feeds, reads and resembles whom.

A *signal* says which channel each element of a tensor carries: an int64 tensor with as many axes
as the tensor, of size 1 along axes where the channel does not vary.
"""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import torch
from torch import Tensor

from evoframe.kernel.wiring import Derived, Holding


@attrs.frozen(eq=False)
class Grid:
    """Channels in a block that can only lose whole rows, whole columns, and so on.

    Attributes:
        channels: int64, at least two axes.
        fixed: axes that cannot lose anything.
        bound: how many of the last columns stand for their whole row: they leave only with it.
        parts: sizes of the parts of axis 1 that each keep a slot at least; none if empty.
    """

    channels: Tensor
    fixed: tuple[int, ...] = ()
    parts: tuple[int, ...] = ()
    bound: int = 0

    def slots(self, staying: Tensor) -> Tensor:
        """Return for each place of the block whether all its slots stay.

        A slot stays if anything in it does, if its axis is fixed, or if it is the first of a part
        that would be empty otherwise.

        Args:
            staying: bool, shaped like the block.
        """
        whole = torch.ones_like(staying)
        if self.parts and not bool(staying.any()):
            staying = staying.clone()
            staying[0, 0] = True
        for axis in range(staying.ndim):
            if axis not in self.fixed and staying.shape[axis] > 1:
                others = [at for at in range(staying.ndim) if at != axis]
                whole &= staying.any(dim=others, keepdim=True)
        whole &= staying.any()
        if self.bound:
            whole[:, -self.bound :] = staying.any(1, keepdim=True)
        for part in torch.split(whole, list(self.parts), 1) if self.parts else ():
            if not bool(part.any()):
                part[:, :1] = whole.any(1, keepdim=True)
        return whole

    def broken(self, gone: Tensor) -> Tensor:
        """Return for each place whether it goes when these go, as few slots as will do.

        Args:
            gone: bool, shaped like the block.
        """
        rows = torch.zeros_like(gone)
        if self.bound:  # what is bound goes with its row, and the row with what is bound
            free, tail = gone[:, : -self.bound], gone[:, -self.bound :]
            rows |= (free.all(1) | tail.any(1))[:, None]
        inside = slice(None, -self.bound) if self.bound else slice(None)
        body = (gone | rows)[:, inside]
        ways = []
        for axis in range(gone.ndim):
            if axis not in self.fixed and body.shape[axis] > 1:
                others = [at for at in range(gone.ndim) if at != axis]
                hit = body.any(dim=others, keepdim=True).expand(body.shape)
                ways.append((int(hit.sum()), hit))
        if ways:
            rows[:, inside] |= min(ways, key=lambda way: way[0])[1]
        return rows


@attrs.frozen(eq=False)
class Follower:
    """A number that a module keeps in an attribute: how many slots an axis of channels has.

    Attributes:
        module: name of the module, "" for the network itself.
        attribute: name of an attribute that is a whole number, or a tuple or list of them.
        place: which of several; None for a plain number.
        signal: the channels.
        axis: the axis that is counted.
    """

    module: str
    attribute: str
    place: int | None
    signal: Tensor
    axis: int

    @property
    def key(self) -> tuple[str, str, int | None]:
        """What is followed: one number of one attribute of one module."""
        return self.module, self.attribute, self.place

    def count(self, staying: Tensor) -> int:
        """Return the number for a network of these channels, a bool for each."""
        flags = staying[self.signal]
        others = [at for at in range(flags.ndim) if at != self.axis]
        return int((flags.any(dim=others) if others else flags).sum())


@attrs.define(eq=False)
class Channels:
    """Grows while the ancestor's operations are seen."""

    fed: list[Tensor] = attrs.Factory(list)
    count: int = 0
    read: list[Tensor] = attrs.Factory(list)
    kept: list[Tensor] = attrs.Factory(list)
    ties: list[tuple[Tensor, Tensor]] = attrs.Factory(list)
    grids: list[Grid] = attrs.Factory(list)
    steps: list[str | Derived] = attrs.Factory(list)
    held: dict[tuple[str, int], Holding] = attrs.Factory(dict)
    shared: set[tuple[str, int]] = attrs.Factory(set)
    followers: list[Follower] = attrs.Factory(list)

    def new(self, count: int, *, fed: bool) -> Tensor:
        """Return so many new channels."""
        channels = torch.arange(self.count, self.count + count)
        self.count += count
        if fed:
            self.fed.append(channels)
        return channels

    def derive(self, parts: Sequence[Tensor], *, every: bool = False, fed: bool = False) -> Tensor:
        """Return channels derived elementwise from signals of one shape.

        They are tied to the parts that meet them one to one; a part that is spread over several
        of them is not.
        """
        flat = torch.stack([part.reshape(-1) for part in parts])
        if len(parts) > 1 and bool((flat == flat[0]).all()) and not fed:
            return parts[0]
        unique, places = _unique_columns(flat)
        channels = self.new(unique.shape[1], fed=fed)
        self.steps.append(Derived(channels, tuple(unique), every))
        for part in unique:
            if len(part.unique()) == len(part):
                self.ties.append((channels, part))
        return channels[places].reshape(parts[0].shape)

    def hold(self, entry: str, axis: int, channels: Tensor) -> None:
        """Let slices of a state entry live and die with channels."""
        channels, place = channels.reshape(-1), (entry, axis)
        if place in self.held and not torch.equal(self.held[place].channels, channels):
            self.shared.add(place)
            self.pin(self.held.pop(place).channels)
        if place in self.shared:  # used at several places: all of it stays
            self.pin(channels)
        else:
            self.held[place] = Holding(entry, axis, channels)

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

    def flags(self, marked: list[Tensor]) -> Tensor:
        """Return a bool for each channel: it is among the marked."""
        flags = torch.zeros(self.count, dtype=torch.bool)
        if marked:
            flags[torch.cat(marked)] = True
        return flags

    def classes(self) -> Tensor:
        """Return for each channel the number of its class: tied channels share one."""
        label = torch.arange(self.count)
        if not self.ties:
            return label
        ends = torch.cat([torch.stack((a.reshape(-1), b.reshape(-1))) for a, b in self.ties], 1)
        while True:  # hook each root to the smaller of its neighbours' roots, then shorten
            lower = torch.minimum(label[ends[0]], label[ends[1]])
            hooked = label.clone()
            for end in ends:
                hooked.scatter_reduce_(0, label[end], lower, "amin")
            hooked = torch.minimum(hooked, hooked[label])
            while not torch.equal(hooked, hooked[hooked]):
                hooked = hooked[hooked]
            if torch.equal(hooked, label):
                return label
            label = hooked


def _unique_columns(flat: Tensor) -> tuple[Tensor, Tensor]:
    """Return the different columns of a matrix, sorted, and which of them each column is."""
    if bool((flat[0, 1:] > flat[0, :-1]).all()):  # the first row tells them apart, in order
        return flat, torch.arange(flat.shape[1])
    columns, places = torch.unique(flat, dim=1, return_inverse=True)
    return columns, places


def varying(signal: Tensor) -> tuple[int, ...]:
    """Return the axes along which a signal's channel varies."""
    return tuple(axis for axis, size in enumerate(signal.shape) if size > 1)


def narrowed(signal: Tensor) -> Tensor:
    """Return a signal with size 1 along every axis where its channel does not vary."""
    for axis in range(signal.ndim):
        if signal.shape[axis] > 1:
            first = signal.narrow(axis, 0, 1)
            if signal.stride(axis) == 0 or bool((signal == first).all()):
                signal = first
    return signal


def sizes_left(signal: Tensor, staying: Tensor) -> tuple[int | None, ...]:
    """Return how many slots of each axis have a channel that stays; None where it is constant."""
    flags = staying[signal]
    sizes: list[int | None] = []
    for axis, size in enumerate(signal.shape):
        others = [at for at in range(signal.ndim) if at != axis]
        some = flags.any(dim=others) if others else flags
        sizes.append(int(some.sum()) if size > 1 else None)
    return tuple(sizes)
