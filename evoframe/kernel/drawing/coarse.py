"""Coarse: what of a draw lives, told by channels where synapses share their lot.

In a draw of whole clusters most axes of a weight say nothing: all entries of a kernel read the same
channel, write the same one and are born with it. What settling makes of such a draw is found on
what is left, a matrix of channels for each layer, on the CPU whatever the device is; so a search
that tries many draws of the same synapses waits for no device.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import attrs
import numpy as np
import torch
from torch import Tensor

from evoframe.kernel.dna import Clusters
from evoframe.kernel.drawing.joins import Flags, Full, Joins, Numbers, Some, full_of
from evoframe.kernel.wiring import Derived, Wiring


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
        """Return the part that all draws of clusters have in common.

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
        """Return the channels that live of a draw once it is settled, and its synapses.

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
    # In a row, so that the host waits for a device once.
    row = torch.cat([one.reshape(-1) for one in found.values()]).cpu().numpy()
    ends = np.cumsum([one.numel() for one in found.values()])[:-1]
    parts = zip(np.split(row, ends), found.items(), strict=True)
    return {name: part.reshape(tuple(own.shape)) for part, (name, own) in parts}


def _layer(counts: Numbers, *held: *Held) -> Layer:
    shared = _shared_axes(*held)
    sources, targets, members, within = (
        None if one is None else one.squeeze(shared) for one in held
    )
    assert sources is not None
    assert targets is not None
    assert members is not None
    joins: Full | Some = Some(counts, sources.shape, targets.shape)
    if (full := full_of(counts, sources, targets)) is not None and all(
        one is None or _is_along(one, targets) for one in (members, within)
    ):
        joins = full
        members = np.broadcast_to(members, targets.shape).reshape(-1)
        within = None if within is None else np.broadcast_to(within, targets.shape).reshape(-1)
    return Layer(sources.reshape(-1), targets.reshape(-1), joins, members, within)


def _is_along(one: Numbers, other: Numbers) -> bool:
    """Tell whether numbers vary along no axis along which others do not."""
    return all(mine in (1, size) for mine, size in zip(one.shape, other.shape, strict=True))
