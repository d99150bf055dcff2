"""Tallies: what all synapses of each cluster come to, in integers, so in any order the same.

Where a cluster is whole rows or columns of a parameter, these are added up first, as they lie in
memory, and only their sums are sent to clusters.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from evoframe.kernel.tensors.passes import rows


def tallied(
    clusters: Tensor,
    count: int,
    eligible: Tensor,
    numbers: Callable[[slice], Tensor] | None = None,
) -> Tensor:
    """Return the number of the eligible synapses of each cluster, or the sum of their numbers.

    Args:
        clusters: of every synapse, or -1; int64, broadcastable to the parameter's shape.
        count: how many clusters there are.
        eligible: bool, in the parameter's shape.
        numbers: gives an integer for each synapse of a slice along the first axis, 0 for those
            that are not eligible.

    Returns:
        int64, one entry a cluster.
    """
    clusters = clusters.reshape([1] * (eligible.ndim - clusters.ndim) + list(clusters.shape))
    # Over these axes all synapses are of one cluster.
    same = [axis for axis, size in enumerate(clusters.shape) if size == 1]
    # The first entry is for those of no cluster.
    found = torch.zeros(count + 1, dtype=torch.int64, device=eligible.device)
    for some in _slices(eligible):
        added = eligible[some] if numbers is None else numbers(some)
        added = added.sum(same, keepdim=True) if same else added.long()
        mine = clusters if len(clusters) == 1 else clusters[some]
        found.scatter_add_(0, mine.reshape(-1) + 1, added.reshape(-1))
    return found[1:]


def _slices(values: Tensor) -> Iterator[slice]:
    """Return slices along the first axis: parts that fit a cache, or all on another device."""
    return rows(values.shape) if values.device.type == "cpu" else iter([slice(None)])
