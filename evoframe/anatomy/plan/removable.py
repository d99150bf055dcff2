"""Removable: which channels can leave at all, and which live whatever is drawn."""

from __future__ import annotations

import torch
from torch import Tensor

from evoframe.anatomy.plan.bundles import Bundles
from evoframe.kernel.living import living_channels
from evoframe.kernel.wiring import Wiring


def lasting(bundles: Bundles, wiring: Wiring) -> Tensor:
    """Return the channels, a bool for each, that live or stay with living ones without synapses."""
    host = wiring.host
    nothing = {}
    for name, ends in host.targets.items():
        shape = [max(sizes) for sizes in zip(ends.shape, host.sources[name].shape, strict=True)]
        nothing[name] = torch.zeros(shape, dtype=torch.bool)
    return bundles.by_class(living_channels(nothing, host))


def removable(bundles: Bundles, wiring: Wiring) -> Tensor:
    """Return the channels that can leave, a bool for each."""
    return ~bundles.by_class(bundles.kept) & ~bundles.pinned & ~lasting(bundles, wiring)
