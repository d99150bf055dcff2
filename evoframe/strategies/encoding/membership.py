"""Membership: which entries of a network's parameters belong to which cluster, and as what.

A bundle of channels is *written* by rows of weights, *read* by columns of others, and has entries
of biases, norms and scales for its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import attrs
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from evoframe.kernel.clusters import Partition
from evoframe.kernel.phenotype import Phenotype
from evoframe.kernel.wiring import Holding, Wiring
from evoframe.roles.task import WITH_SYNAPSES

Scores = npt.NDArray[np.float64]
"""A number for each cluster."""

Part = Literal["writes", "reads", "owns", "adds"]
"""What entries of a parameter are to a cluster: they write it, read it, or are its own; those of a
block write what it adds, or scale and shift that last."""

BIASES = tuple(f"{kind.__name__}.bias" for kind in WITH_SYNAPSES)
"""The biases of layers with synapses, by kind of module and name."""

NOBODY = -1
"""The cluster of entries that belong to none."""


@attrs.frozen(eq=False)
class Side:
    """One parameter, as clusters have a part in it.

    Attributes:
        entry: the parameter.
        part: what its entries are to their clusters.
        kind: of the module that holds it, and what it is called there.
        labels: the cluster of every entry, int64, size 1 along axes where it is constant.
    """

    entry: str
    part: Part
    kind: str
    labels: Tensor

    def totals(self, values: Tensor, count: int) -> Scores:
        """Return the sum of each cluster's entries; on the CPU, which adds in one order.

        Args:
            values: of the entries, in the shape of the parameter.
            count: how many clusters there are.
        """
        same = [axis for axis, size in enumerate(self.labels.shape) if size == 1]
        values = values.detach().double()
        values = values.sum(same, keepdim=True) if same else values
        labels = self.labels.expand_as(values).reshape(-1).cpu().numpy()
        mine = labels != NOBODY
        found = np.bincount(labels[mine], values.reshape(-1).cpu().numpy()[mine], minlength=count)
        return found.astype(np.float64)

    def slots(self, count: int) -> Scores:
        """Return the number of slices of the parameter that each cluster has."""
        labels = self.labels.reshape(-1).cpu().numpy()
        return np.bincount(labels[labels != NOBODY], minlength=count).astype(np.float64)


@attrs.frozen(eq=False)
class Membership:
    """All sides of all clusters, in the coordinates of one network.

    Attributes:
        sides: in a fixed order.
        count: how many clusters there are.
        inside: for each block, which are the last of the clusters, the bundles that are only there.
    """

    sides: tuple[Side, ...]
    count: int
    inside: tuple[npt.NDArray[np.int64], ...] = ()

    def of(self, *parts: Part) -> tuple[Side, ...]:
        """Return the sides of some parts."""
        return tuple(side for side in self.sides if side.part in parts)

    def gates(self) -> tuple[Side, ...]:
        """Return sides that turn a cluster off when they are scaled to zero, each of them once.

        That is all that reads it; and all that writes it, biases too, where no weight reads it.
        """
        reads = self.of("reads")
        unread = sum((one.slots(self.count) for one in reads), np.zeros(self.count)) == 0
        alone = torch.from_numpy(unread)
        rest = []
        for side in self.sides:
            if side.part == "writes" or (side.part != "adds" and side.kind in BIASES):
                labels = side.labels.cpu()
                kept = torch.where((labels != NOBODY) & alone[labels.clamp(min=0)], labels, NOBODY)
                rest.append(attrs.evolve(side, labels=kept.to(side.labels.device)))
        return (*reads, *rest, *self.of("adds"))

    def families(self) -> npt.NDArray[np.int64]:
        """Return the number of each cluster's family: those that have the same share in all sides.

        A family is what people call a layer, or several layers that have to stay equally wide.
        """
        slots = np.stack([side.slots(self.count) for side in self.sides])
        found = _numbered([tuple(column) for column in slots.T.tolist()])
        return self._with_blocks(found)

    def _with_blocks(self, numbers: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Return numbers of families, in which all blocks are one."""
        found = numbers.copy()
        found[self.count - len(self.inside) :] = self.count
        return found

    def alike(self) -> npt.NDArray[np.int64]:
        """Return numbers that clusters share whose layers are of the same kinds, in any sizes."""
        has = np.stack([side.slots(self.count) > 0 for side in self.sides]).T.tolist()
        kinds = [f"{side.part} {side.kind}" for side in self.sides]
        found = _numbered(
            [tuple(sorted(k for k, mine in zip(kinds, row, strict=True) if mine)) for row in has]
        )
        return self._with_blocks(found)


def membership_of(partition: Partition, wiring: Wiring, phenotype: Phenotype) -> Membership:
    """Return the membership of clusters in a network.

    Args:
        partition: the bundles.
        wiring: of the ancestor.
        phenotype: the network; it may have lost channels.
    """
    channels = partition.channels
    assert channels is not None
    modules = dict(phenotype.network.named_modules())
    parameters = dict(phenotype.network.named_parameters())
    found: list[tuple[str, Part, str, Tensor]] = []
    for name, members in partition.members.items():
        kind = _kind(name, modules)
        found.append((name, "writes", kind, members))
        found.append((name, "reads", kind, channels[wiring.sources[name]]))
    for holding in wiring.holdings:
        if holding.entry in parameters:
            rank = parameters[holding.entry].ndim
            shape = [-1 if axis == holding.axis else 1 for axis in range(rank)]
            labels = channels[holding.channels].reshape(shape)
            kind = _kind(holding.entry, modules)
            found.append((holding.entry, _part(holding, modules), kind, labels))
    for block in wiring.blocks if partition.around is not None else ():
        number = int(channels[block.channel])
        for name in block.exits:
            labels = torch.full([1] * parameters[name].ndim, number, device=channels.device)
            if name in block.members:
                labels = torch.where(block.members[name], number, NOBODY)
            found.append((name, "adds", _kind(name, modules), labels))
    sides = tuple(
        Side(name, part, kind, _cut(labels, name, phenotype)) for name, part, kind, labels in found
    )
    return Membership(sides, len(partition.fixed), _inside(partition, wiring))


def _inside(partition: Partition, wiring: Wiring) -> tuple[npt.NDArray[np.int64], ...]:
    """Return the bundles, a set for each block, of which all synapses are in it."""
    if partition.around is None:
        return ()
    count = len(partition.fixed)
    where = np.full(count, NOBODY - 1)  # nowhere yet; -1 from where several places are known
    for name, members in partition.members.items():
        blocks = partition.within.get(name, torch.full_like(members, NOBODY))
        for bundle, block in zip(*_pairs(members, blocks), strict=True):
            where[bundle] = block if where[bundle] in (NOBODY - 1, block) else NOBODY
    first = count - len(wiring.blocks)
    return tuple(np.flatnonzero(where == first + at) for at in range(len(wiring.blocks)))


def _pairs(members: Tensor, blocks: Tensor) -> tuple[list[int], list[int]]:
    """Return the different pairs of a bundle and a block that synapses are in."""
    # Sums have the shape that both are spread to.
    both = torch.stack([(members + 0 * blocks).reshape(-1), (blocks + 0 * members).reshape(-1)])
    pairs: list[list[int]] = torch.unique(both, dim=1).tolist()
    return pairs[0], pairs[1]


def _part(holding: Holding, modules: Mapping[str, nn.Module]) -> Part:
    """Return the part of a slice of an entry in the channel that it lives with."""
    module = modules.get(holding.entry.rpartition(".")[0])
    if not isinstance(module, WITH_SYNAPSES) or not holding.entry.endswith("weight"):
        return "owns"
    return "reads" if holding.axis == axis_of_inputs(module) else "writes"


def axis_of_inputs(layer: nn.Module) -> int:
    """Return the axis of a layer's weight along which its inputs lie."""
    return 0 if getattr(layer, "transposed", False) else 1


def _kind(entry: str, modules: Mapping[str, nn.Module]) -> str:
    place, _, leaf = entry.rpartition(".")
    return f"{type(modules.get(place)).__name__}.{leaf}"


def _cut(labels: Tensor, name: str, phenotype: Phenotype) -> Tensor:
    """Return the labels of what is left of a parameter."""
    for axis, left in enumerate(phenotype.cuts.get(name, ())):
        if left is not None and labels.shape[axis] > 1:
            labels = labels.index_select(axis, left.to(labels.device))
    return labels


def _numbered(keys: list[tuple[object, ...]]) -> npt.NDArray[np.int64]:
    """Return the same number for equal keys, counted from 0 as they come."""
    numbers: dict[tuple[object, ...], int] = {}
    return np.array([numbers.setdefault(key, len(numbers)) for key in keys], dtype=np.int64)
