"""Coarse: what of a draw lives, told by channels where synapses share their lot.

In a draw of whole clusters most axes of a weight say nothing: all entries of a kernel read the same
channel, write the same one and are born with it. What settling makes of such a draw is found on
what is left, a matrix of channels for each layer, on the CPU whatever the device is; so a search
that tries many draws of the same synapses waits for no device.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import attrs
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from evoframe.kernel.dna import Clusters
from evoframe.kernel.wiring import Derived, Wiring

Flags = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.int64]


class Joins(Protocol):
    """Which channels the synapses of a parameter join, as far as they are born."""

    def write(self, sources: Flags) -> Flags:
        """Return a bool for each target: a synapse leads there from a flagged source."""

    def read(self, targets: Flags) -> Flags:
        """Return a bool for each source: a synapse leads from there to a flagged target."""

    def count(self, sources: Flags, targets: Flags) -> int:
        """Return the number of synapses between flagged ends."""


@attrs.frozen(eq=False)
class Full:
    """Joins of every source with every target, of those that have any synapse.

    Attributes:
        sources: whether they have any.
        targets: the same.
        each: how many synapses join a pair.
    """

    sources: Flags
    targets: Flags
    each: int

    def born(self, targets: Flags) -> Full:
        """Return what is left with these targets alone."""
        return Full(self.sources, self.targets & targets, self.each)

    def write(self, sources: Flags) -> Flags:
        """Return a bool for each target: a synapse leads there from a flagged source."""
        return self.targets & (self.sources & sources).any()

    def read(self, targets: Flags) -> Flags:
        """Return a bool for each source: a synapse leads from there to a flagged target."""
        return self.sources & (self.targets & targets).any()

    def count(self, sources: Flags, targets: Flags) -> int:
        """Return the number of synapses between flagged ends."""
        ends = np.count_nonzero(self.sources & sources), np.count_nonzero(self.targets & targets)
        return self.each * int(ends[0]) * int(ends[1])


@attrs.frozen(eq=False)
class Some:
    """Joins of some sources with some targets, in any pattern.

    Attributes:
        counts: how many synapses there are, with as many axes as the parameter.
        sources: the shape of the sources, which broadcasts to that of the counts.
        targets: the same.
    """

    counts: Numbers
    sources: tuple[int, ...]
    targets: tuple[int, ...]

    def born(self, flags: Flags) -> Some:
        """Return what is left where flags, which broadcast to the counts, say so."""
        return Some(self.counts * flags, self.sources, self.targets)

    def write(self, sources: Flags) -> Flags:
        """Return a bool for each target: a synapse leads there from a flagged source."""
        return self._any(sources.reshape(self.sources), self.targets)

    def read(self, targets: Flags) -> Flags:
        """Return a bool for each source: a synapse leads from there to a flagged target."""
        return self._any(targets.reshape(self.targets), self.sources)

    def count(self, sources: Flags, targets: Flags) -> int:
        """Return the number of synapses between flagged ends."""
        both = sources.reshape(self.sources) & targets.reshape(self.targets)
        return int((self.counts * both).sum())

    def _any(self, flags: Flags, ends: tuple[int, ...]) -> Flags:
        found: Flags = ((self.counts > 0) & flags).any(axis=_ones(ends)).reshape(-1)
        return found


@attrs.frozen(eq=False)
class Layer:
    """A parameter, as far as whole clusters of it are drawn.

    Attributes:
        sources: the channel of each source, in a row.
        targets: the channel of each target, in a row.
        joins: of them, with everything born.
        members: the cluster of each of the joins' counts, to which it broadcasts; or of each
            target, where the joins are full.
        within: the smallest block of each, shaped to broadcast with that; None without blocks.
    """

    sources: Numbers
    targets: Numbers
    joins: Full | Some
    members: Numbers
    within: Numbers | None

    def born(self, born: Flags, blocks: Flags) -> Full | Some:
        """Return the joins that are left of clusters that were born.

        Args:
            born: a bool for each cluster.
            blocks: a bool for each cluster, and for none: all blocks around it were born.
        """
        flags = born[self.members]
        return self.joins.born(flags if self.within is None else flags & blocks[self.within])


@attrs.frozen(eq=False)
class Coarse:
    """A draw of whole clusters, of which synapses are known that would live with all of them.

    Attributes:
        wiring: on the CPU.
        clusters: on the CPU.
        layers: by parameter.
    """

    wiring: Wiring
    clusters: Clusters
    layers: Mapping[str, Layer]

    @classmethod
    def of(cls, masks: Mapping[str, Tensor], clusters: Clusters, wiring: Wiring) -> Coarse:
        """Return what all draws of clusters have in common.

        Args:
            masks: the synapses whose own draws say yes.
            clusters: that are drawn.
            wiring: of the ancestor.
        """
        wiring, clusters = wiring.host, clusters.host
        shapes = {name: _held_by(name, clusters, wiring) for name in masks}
        counts = _counted(masks, {name: _shared_axes(*held) for name, held in shapes.items()})
        layers = {name: _layer(counts[name], *held) for name, held in shapes.items()}
        return cls(wiring, clusters, layers)

    def settled(self, born: Flags) -> tuple[Tensor, int]:
        """Return what lives of a draw once it is settled.

        Args:
            born: a bool for each cluster.

        Returns:
            A bool for each channel, on the CPU, and the number of synapses.
        """
        blocks = born
        if self.clusters.around is not None:
            blocks = self.clusters.of_blocks(torch.from_numpy(born)).numpy()
        joins = {name: one.born(born, blocks) for name, one in self.layers.items()}
        before, alive = None, np.ones(len(self.wiring.fed), dtype=bool)
        # Channels only ever die, so what a round leaves of synapses are those between the living.
        while before is None or not np.array_equal(before, alive):
            before, alive = alive, self._living(joins, alive)
            for block in self.wiring.blocks:
                if not alive[block.channel]:
                    for name in block.inside:
                        joins.pop(name, None)
        count = sum(
            one.count(alive[self.layers[name].sources], alive[self.layers[name].targets])
            for name, one in joins.items()
        )
        return torch.from_numpy(alive), count

    def _living(self, joins: Mapping[str, Joins], alive: Flags) -> Flags:
        """Return the channels that are written and read by synapses between the living."""
        written = self._spread(self.wiring.fed, lambda flags: self._write(flags, joins, alive))
        read = self._spread(
            self.wiring.read, lambda flags: self._read(flags, written, joins, alive)
        )
        now = written & read
        for block in self.wiring.blocks:
            now[block.channel] = now[block.outputs.numpy()].any()
        return now

    def _write(self, written: Flags, joins: Mapping[str, Joins], alive: Flags) -> None:
        """Flag the channels that flagged ones write (in place)."""
        for step in self.wiring.steps:
            if isinstance(step, Derived):
                parts = [written[one.numpy()] for one in step.parts]
                found = np.logical_and if step.every else np.logical_or
                written[step.channels.numpy()] |= found.reduce(parts)
            elif step in joins:
                layer = self.layers[step]
                there = joins[step].write((written & alive)[layer.sources])
                written[layer.targets[there & alive[layer.targets]]] = True

    def _read(self, read: Flags, written: Flags, joins: Mapping[str, Joins], alive: Flags) -> None:
        """Flag the channels that flagged ones read (in place)."""
        for step in reversed(self.wiring.steps):
            if isinstance(step, Derived):
                channels = step.channels.numpy()
                wanted = read[channels] & written[channels]
                for one in step.parts:
                    read[one.numpy()[wanted]] = True
            elif step in joins:
                layer = self.layers[step]
                there = joins[step].read((read & alive)[layer.targets])
                read[layer.sources[there & alive[layer.sources]]] = True

    def _spread(self, first: Tensor, sweep: Callable[[Flags], None]) -> Flags:
        """Return flags after sweeps over all steps, as many as a recurrence asks for."""
        before: Flags = first.numpy()
        flags = before.copy()
        sweep(flags)
        while self.wiring.recurs and not np.array_equal(flags, before):
            before = flags.copy()
            sweep(flags)
        return flags


Held = tuple[Numbers, Numbers, Numbers, Numbers | None]
"""The sources, targets, clusters and blocks of a parameter's synapses, with as many axes."""


def _held_by(name: str, clusters: Clusters, wiring: Wiring) -> Held:
    within = clusters.within.get(name)
    return (
        wiring.sources[name].numpy(),
        wiring.targets[name].numpy(),
        clusters.members[name].numpy(),
        None if within is None else within.numpy(),
    )


def _shared_axes(*held: Numbers | None) -> tuple[int, ...]:
    """Return the axes along which synapses have everything in common."""
    several = [one for one in held if one is not None]
    rank = several[0].ndim
    return tuple(at for at in range(rank) if all(one.shape[at] == 1 for one in several))


def _counted(
    masks: Mapping[str, Tensor], axes: Mapping[str, tuple[int, ...]]
) -> dict[str, Numbers]:
    """Return the number of synapses over some axes of each mask, which are gone."""
    found = {name: one.sum(axes[name]) if axes[name] else one.long() for name, one in masks.items()}
    whole = torch.cat([one.reshape(-1) for one in found.values()]).cpu()  # waits for a device once
    parts = whole.split([one.numel() for one in found.values()])
    return {
        name: part.reshape(own.shape).numpy()
        for part, (name, own) in zip(parts, found.items(), strict=True)
    }


def _ones(shape: Sequence[int]) -> tuple[int, ...]:
    return tuple(at for at, size in enumerate(shape) if size == 1)


def _layer(counts: Numbers, *held: *Held) -> Layer:
    shared = _shared_axes(*held)
    sources, targets, members, within = (
        None if one is None else one.squeeze(shared) for one in held
    )
    assert sources is not None
    assert targets is not None
    assert members is not None
    joins: Full | Some = Some(counts, sources.shape, targets.shape)
    if (full := _full(counts, sources, targets)) is not None and all(
        one is None or _is_along(one, targets) for one in (members, within)
    ):
        joins = full
        members = np.broadcast_to(members, targets.shape).reshape(-1)
        within = None if within is None else np.broadcast_to(within, targets.shape).reshape(-1)
    return Layer(sources.reshape(-1), targets.reshape(-1), joins, members, within)


def _is_along(one: Numbers, other: Numbers) -> bool:
    """Tell whether numbers vary along no axis along which others do not."""
    return all(mine in (1, size) for mine, size in zip(one.shape, other.shape, strict=True))


def _full(counts: Numbers, sources: Numbers, targets: Numbers) -> Full | None:
    """Return joins if every source that has any has as many with every target that has any."""
    if any(
        (one == 1) == (other == 1) for one, other in zip(sources.shape, targets.shape, strict=True)
    ):
        return None  # along one axis both vary, as in groups
    into, out_of = _ones(targets.shape), _ones(sources.shape)
    some = counts > 0
    rows, columns, each = some.any(axis=into), some.any(axis=out_of), int(counts.max(initial=0))
    if np.count_nonzero(counts == each) != np.count_nonzero(rows) * np.count_nonzero(columns):
        return None if each else Full(columns.reshape(-1), rows.reshape(-1), 0)
    return Full(columns.reshape(-1), rows.reshape(-1), each)
