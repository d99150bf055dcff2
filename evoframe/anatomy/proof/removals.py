"""Removals: large parts of all that can leave, for a few of which numbers are worth their price."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import attrs
import torch
from torch import Tensor

from evoframe.anatomy.plan import Plan
from evoframe.anatomy.plan.bundles import Bundles
from evoframe.anatomy.proof.probes import Probe, probes

Which = Callable[[Tensor], Tensor]
"""Takes the numbers of bundles in their order, from 0, and tells which of them are removed."""

HALVES: tuple[Which, ...] = (lambda order: order % 2 == 0, lambda order: order % 2 == 1)
"""What is removed from every layer at once, in one trial each: together everything once."""

FEW_LEFT_AND_MOST: tuple[Which, ...] = (
    lambda order: order % 8 != 3,
    lambda order: order % 8 == 3,  # where code that asks goes as it does in the ancestor
)
"""The same, for code that asks how many channels there are."""


def removals(plan: Plan, which: Which) -> list[Probe]:
    """Return for every way in which layers lose channels the removal of a part of them.

    Args:
        plan: from which to remove.
        which: the part.
    """
    found, free = [], ~plan.bundles.by_class(plan.bundles.kept)
    for number, probe in enumerate(probes(plan)):
        # Shifted from layer to layer: code that takes one layer's outputs for another's would
        # not be caught if both had lost the same ones.
        chosen = partial(_shifted, which, number)
        gone = (
            _lines(plan.bundles, probe, chosen)
            if probe.grid
            else _classes(plan.bundles, probe, free, chosen)
        )
        if len(gone):
            found.append(attrs.evolve(probe, gone=gone))
    return found


def _shifted(which: Which, by: int, order: Tensor) -> Tensor:
    return which(order + by)


def _classes(bundles: Bundles, probe: Probe, free: Tensor, which: Which) -> Tensor:
    """Return the channels of a part of the classes of a layer that can be removed.

    Args:
        bundles: how channels depend on each other.
        probe: of the layer.
        free: bool, the channels that no member of their class keeps.
        which: the part.
    """
    channels = torch.unique(probe.channels)
    classes = torch.unique(bundles.classes[channels[free[channels]]])
    chosen = torch.zeros(len(free), dtype=torch.bool)  # no more classes than channels
    chosen[classes[which(torch.arange(len(classes)))]] = True
    return chosen[bundles.classes].nonzero().flatten()


def _lines(bundles: Bundles, probe: Probe, which: Which) -> Tensor:
    """Return the channels that leave with a part of the lines of a grid."""
    assert probe.grid is not None
    index, axis = probe.grid
    channels = bundles.grids[index].channels.movedim(axis, 0).flatten(1)
    gone = torch.zeros_like(bundles.kept)
    gone[channels[which(torch.arange(len(channels)))].reshape(-1)] = True
    return (~bundles.staying(~bundles.leaving(gone))).nonzero().flatten()
