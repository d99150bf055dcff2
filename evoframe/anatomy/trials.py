"""Trials: what a proof removes, one small thing for each way in which a layer loses channels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import torch
from torch import Tensor

from evoframe.anatomy.bundles import Bundles

if TYPE_CHECKING:
    from evoframe.anatomy.anatomy import Anatomy


@attrs.frozen(eq=False)
class Trial:
    """Something small to remove.

    Attributes:
        layer: the parameter whose outgoing channels are concerned.
        channels: all of those.
        staying: what stays, a bool for each channel of the network.
        grid: the block that would lose a slot, and along which axis; None for tied channels.
    """

    layer: str
    channels: Tensor
    staying: Tensor
    grid: tuple[int, int] | None


def trials(plan: Anatomy) -> list[Trial]:
    """Return one trial for every different way in which a layer could lose a channel."""
    found: dict[bytes, Trial] = {}
    in_blocks = torch.zeros_like(plan.bundles.kept)
    for block in plan.bundles.grids:
        in_blocks[block.channels.reshape(-1)] = True
    for layer, signal in plan.seen.targets.items():
        channels = signal.reshape(-1)
        middle = channels[len(channels) // 2]
        for staying, grid in _removals(plan.bundles, middle, in_blocks):
            trial = Trial(layer, channels, staying, grid)
            found.setdefault(staying.numpy().tobytes(), trial)
    return list(found.values())


def _removals(
    bundles: Bundles, channel: Tensor, in_blocks: Tensor
) -> list[tuple[Tensor, tuple[int, int] | None]]:
    """Return what stays when a channel goes with its class, or with a slot of a block.

    Args:
        bundles: how channels depend on each other.
        channel: one of a layer's output channels.
        in_blocks: bool, the channels that are part of any block.
    """
    own = bundles.classes == bundles.classes[channel]
    if bool(bundles.kept[own].any()):
        return []
    if not bool(in_blocks[own].any()):
        return [(~own, None)]
    staying = bundles.closure(~own)
    if not bool(staying.all()):
        return [(staying, None)]
    found: list[tuple[Tensor, tuple[int, int] | None]] = []
    for index, grid in enumerate(bundles.grids):
        places = own[grid.channels].nonzero()
        for axis in range(grid.channels.ndim) if len(places) else ():
            if axis in grid.fixed or grid.channels.shape[axis] == 1:
                continue
            slot = grid.channels.select(axis, int(places[0, axis]))
            gone = torch.zeros_like(own)
            gone[bundles.classes[slot]] = True
            staying = bundles.closure(~gone[bundles.classes])
            if not bool(staying.all()):
                found.append((staying, (index, axis)))
    return found
