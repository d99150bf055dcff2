"""Bounded: draws in which layers have no more channels than a person allows.

Where budgets bound a draw, what would be too many for a layer is passed over there
(:mod:`evoframe.kernel.drawing.floors`). Here a draw that is free otherwise loses what is too
many: the bundles that came last, or, where no bundles were drawn, those with the fewest synapses.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import attrs
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from evoframe.errors import StillbornError
from evoframe.kernel.anatomy import Anatomy
from evoframe.kernel.clusters import Partition
from evoframe.kernel.dna import DNA
from evoframe.kernel.drawing.floors import are_bundles
from evoframe.kernel.drawing.synthesis import turns
from evoframe.kernel.genotype import Genotype, State
from evoframe.kernel.key import Key
from evoframe.kernel.settling import settle_masks
from evoframe.kernel.widths import Bound, under_bounds


def are_held(genotype: Genotype, anatomy: Anatomy) -> bool:
    """Tell whether the network of a settled genotype has no layer that is too wide."""
    return not anatomy.bounds or are_held_by(anatomy.channels(genotype), anatomy.bounds)


def are_held_by(there: Tensor, bounds: Iterable[Bound]) -> bool:
    """Tell whether a network of these channels, a bool for each, has no layer that is too wide."""
    return all(one.holds(there) for one in bounds)


def held(
    masks: dict[str, Tensor], dna: DNA, key: Key, state: State, anatomy: Anatomy
) -> dict[str, Tensor]:
    """Return the masks of a draw without what is too many for a layer.

    Args:
        masks: what was drawn.
        dna: from which.
        key: of the draw.
        state: beside the masks.
        anatomy: says how wide layers may be.

    Raises:
        StillbornError: whatever leaves, a layer is too wide.
    """
    if not anatomy.bounds or are_held(
        Genotype(settle_masks(masks, anatomy.wiring), state), anatomy
    ):
        return masks
    partition = anatomy.clusters("bundle")
    stay, order = _order(masks, dna, key, partition)
    bounds = anatomy.bounds
    for _ in range(1 + max(one.most for one in bounds)):
        born = torch.from_numpy(stay.copy())
        born[torch.from_numpy(under_bounds(order, stay, bounds, partition))] = True
        born = born.to(partition.fixed.device)
        found = {name: mask & born[partition.members[name]] for name, mask in masks.items()}
        genotype = Genotype(settle_masks(found, anatomy.wiring), state)
        if are_held(genotype, anatomy):
            return found
        # Lines of grids and rounding fill up what was drawn: fewer have to be.
        there = anatomy.channels(genotype)
        bounds = tuple(
            one if whole.holds(there) else attrs.evolve(one, most=one.most - 1)
            for one, whole in zip(bounds, anatomy.bounds, strict=True)
        )
    raise StillbornError("a layer is wider than it may be, whatever leaves it")


def _order(
    masks: Mapping[str, Tensor], dna: DNA, key: Key, partition: Partition
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.int64]]:
    """Return the bundles that stay in any case, and the others that were drawn, in order."""
    count = len(partition.fixed)
    drawn = np.zeros(count)
    for name, mask in masks.items():
        members = partition.members[name].expand_as(mask)[mask].cpu().numpy()
        drawn += np.bincount(members, minlength=count)
    stay = partition.fixed.cpu().numpy() & (drawn > 0)
    rank = -drawn
    if dna.clusters is not None and are_bundles(dna.clusters, partition):
        rank = turns(dna.clusters.genes, key.at("clusters"))
    order = np.argsort(rank, kind="stable")
    return stay, order[(drawn[order] > 0) & ~stay[order]]
