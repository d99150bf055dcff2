"""Clusters of synapses: a kernel, a filter, or a bundle of filters that can only go together.

A *kernel* joins one channel to another, a *filter* is all that writes one channel, and a *bundle*
is all that writes the channels which a network must keep or lose together, so that a bundle that
dies takes whole slices of tensors with it. The *residual stream* is made of the bundles that
several layers write: where these alone can die, its width is drawn.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import attrs
import torch
from torch import Tensor

from evoframe.kernel.wiring import Wiring

Kind = Literal["kernel", "filter", "bundle", "stream"]
"""What a cluster is."""


@attrs.frozen(eq=False)
class Partition:
    """All synapses of an ancestor, sorted into clusters.

    Attributes:
        members: for each parameter, the cluster of every synapse: int64, broadcastable to the
            parameter's shape.
        fixed: bool, a row with one entry a cluster: it cannot be removed from the network, so
            there is nothing to be won by its death.
        channels: of bundles, for each channel the bundle that it leaves with, or -1 if no synapse
            writes any of those; int64. None for kernels and filters.
        within: of parameters with synapses in blocks, the smallest block of every synapse, or -1;
            blocks are the last of the clusters.
        around: for each cluster the block that contains this block, or -1; None without blocks.
    """

    members: Mapping[str, Tensor]
    fixed: Tensor
    channels: Tensor | None = None
    within: Mapping[str, Tensor] = attrs.Factory(dict)
    around: Tensor | None = None


def partition(kind: Kind, wiring: Wiring, classes: Tensor, kept: Tensor) -> Partition:
    """Return the partition of all synapses into clusters of a kind.

    Args:
        kind: what a cluster is.
        wiring: which channels each synapse joins.
        classes: for each channel its class; channels of a class go together.
        kept: bool, channels that are never removed.
    """
    if kind not in ("bundle", "stream"):
        return _within_parameters(kind, wiring)
    # By class, at the number of the class; ``used`` are the classes that any synapse writes.
    stays = torch.zeros_like(kept)
    stays[classes[kept]] = True
    labels = {name: classes[targets] for name, targets in wiring.targets.items()}
    used, inverse = torch.unique(
        torch.cat([x.reshape(-1) for x in labels.values()]), return_inverse=True
    )
    parts = inverse.split([label.numel() for label in labels.values()])
    members = {
        name: part.reshape(labels[name].shape) for name, part in zip(labels, parts, strict=True)
    }
    bundles = torch.full_like(classes, -1)
    bundles[used] = torch.arange(len(used), device=used.device)
    fixed = stays[used]
    if kind == "stream":
        fixed = fixed | ~_shared(members, len(used))
    found = Partition(members, fixed, bundles[classes])
    return found if kind == "stream" or not wiring.blocks else _with_blocks(found, wiring, kept)


def _with_blocks(bundles: Partition, wiring: Wiring, kept: Tensor) -> Partition:
    """Return a partition into bundles with blocks as the last of its clusters."""
    first, device = len(bundles.fixed), kept.device
    numbers = {one.channel: first + at for at, one in enumerate(wiring.blocks)}
    assert bundles.channels is not None
    channels = bundles.channels.clone()
    for channel, number in numbers.items():
        channels[channel] = number
    within: dict[str, Tensor] = {}
    # The largest first, so that the smallest one that a synapse is in has the last word.
    for one in sorted(wiring.blocks, key=lambda one: _depth(one.channel, wiring)):
        for name, mine in one.members.items():
            nobody = torch.full([1] * mine.ndim, -1, device=device)
            within[name] = torch.where(mine, numbers[one.channel], within.get(name, nobody))
    around = torch.full((first + len(numbers),), -1, device=device)
    for one in wiring.blocks:
        around[numbers[one.channel]] = numbers.get(one.around, -1)
    fixed = torch.cat([bundles.fixed, kept[torch.tensor(list(numbers), device=device)]])
    return Partition(bundles.members, fixed, channels, within, around)


def _depth(channel: int, wiring: Wiring) -> int:
    """Return the number of blocks that a block is inside of."""
    around = {one.channel: one.around for one in wiring.blocks}
    count = 0
    while (channel := around.get(channel, -1)) >= 0:
        count += 1
    return count


def _shared(members: Mapping[str, Tensor], count: int) -> Tensor:
    """Return a bool for each cluster: several parameters have synapses in it."""
    device = next(iter(members.values())).device
    layers = torch.zeros(count, dtype=torch.int64, device=device)
    for clusters in members.values():
        layers[torch.unique(clusters)] += 1
    return layers > 1


def _within_parameters(kind: Kind, wiring: Wiring) -> Partition:
    members, count = {}, 0
    for name, targets in wiring.targets.items():
        writes, outs = _numbered(targets)
        if kind == "kernel":
            reads, ins = _numbered(wiring.sources[name])
            # A number for each pair of channels, numbered
            # again because few of the pairs need exist.
            writes, outs = _numbered(writes * ins + reads)
        members[name] = writes + count
        count += outs
    first = next(iter(members.values()))
    return Partition(members, torch.zeros(count, dtype=torch.bool, device=first.device))


def _numbered(channels: Tensor) -> tuple[Tensor, int]:
    """Return channels numbered from 0 without gaps, and how many there are."""
    unique, inverse = torch.unique(channels, return_inverse=True)
    return inverse.reshape(channels.shape), len(unique)
