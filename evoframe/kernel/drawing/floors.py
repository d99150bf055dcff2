"""Floors: which bundles have to live before others may, so that no layer becomes a bottleneck."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import torch

from evoframe.kernel.anatomy import Anatomy
from evoframe.kernel.clusters import Partition
from evoframe.kernel.dna import DNA, Clusters
from evoframe.kernel.drawing.turns import Turns
from evoframe.kernel.widths import under_bounds

ROUNDING = 1e-9
"""A tenth of 30 channels is 3, whatever floats say."""

Order = npt.NDArray[np.int64]
"""Clusters by their numbers, in the order in which they are to live."""


def floors(turn: Turns, dna: DNA, anatomy: Anatomy) -> tuple[npt.NDArray[np.bool_], Order]:
    """Return the clusters that live in any case, and the others in the order in which they may.

    First come the bundles with which every layer has its floor: the first of each layer, then the
    second of each, so that no layer is empty before all are. Then come the rest, by their turns.

    Args:
        turn: when each cluster comes to live as pressure eases.
        dna: with clusters and ceilings.
        anatomy: whose bundles they may be.

    Returns:
        Bools, one a cluster; and numbers of clusters, int64.
    """
    assert dna.clusters is not None
    partition = anatomy.clusters("bundle")
    if not are_bundles(dna.clusters, partition):
        return np.zeros(len(turn), dtype=bool), _sorted(turn)
    fixed = partition.fixed.cpu().numpy() & (turn < np.inf)
    if any("synapses" in one.rates for one in dna.ceilings):
        stay = np.zeros_like(fixed)
    else:  # to lose what cannot leave the network would save nothing
        stay = fixed.copy()
    layers = list(_layers(dna.clusters, anatomy))
    if any(one.even for one in dna.ceilings):
        turn = _evenly(turn, layers, stay)
    rank = np.full(len(turn), np.inf)
    floor = max((one.floor for one in dna.ceilings), default=0.0)
    least = {one.name: one.least for one in anatomy.bounds}
    for name, sizes in zip(anatomy.wiring.targets, layers, strict=True):
        order = _sorted(np.where(sizes > 0, np.where(fixed, -np.inf, turn), np.inf))
        had = np.cumsum(sizes[order]) - sizes[order]
        due = max(math.ceil(floor * sizes.sum() - ROUNDING), least.get(name, 0))
        first = order[had < due]
        rank[first] = np.minimum(rank[first], np.arange(len(first)))
    order = np.lexsort((turn, rank))
    order = order[(turn[order] < np.inf) & ~stay[order]]
    return stay, under_bounds(order, stay, anatomy.bounds, partition)


def are_bundles(clusters: Clusters, partition: Partition) -> bool:
    """Tell whether the clusters of a DNA are those of a partition."""
    own, others = clusters.members, partition.members
    return len(clusters.genes.levels) == len(partition.fixed) and all(
        own[name] is one or (own[name].shape == one.shape and torch.equal(own[name], one))
        for name, one in others.items()
    )


def _layers(clusters: Clusters, anatomy: Anatomy) -> Iterator[npt.NDArray[np.int64]]:
    """Yield for each layer how many of its channels each bundle has."""
    count = len(clusters.genes.levels)
    for name in anatomy.wiring.targets:
        members = clusters.host.members[name].reshape(-1).numpy()
        yield np.bincount(members, minlength=count)


def _evenly(turn: Turns, layers: list[npt.NDArray[np.int64]], stay: npt.NDArray[np.bool_]) -> Turns:
    """Return turns as shares of each layer; a bundle of several layers has its earliest."""
    even = np.full_like(turn, np.inf)
    for sizes in layers:
        order = _sorted(np.where((sizes > 0) & ~stay, turn, np.inf))
        even[order] = np.minimum(even[order], (np.arange(len(order)) + 0.5) / max(len(order), 1))
    return even


def _sorted(turn: Turns) -> Order:
    """Return the places of turns that come at all, the earliest first."""
    return np.argsort(turn, kind="stable")[: int((turn < np.inf).sum())]
