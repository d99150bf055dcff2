"""Aligning by order of survival: what mating does to networks that do not know where they are from.

Compacted networks have no positions, only an order: the k-th living channel of one meets the k-th
living channel of the other, along every axis of every tensor.
"""

from __future__ import annotations

from torch import Tensor, zeros_like

from evoframe.kernel.genotype import Genotype, masked
from evoframe.kernel.living import living_channels
from evoframe.kernel.wiring import Wiring


def in_sequence(one: Genotype, other: Genotype, wiring: Wiring) -> Genotype:
    """Return ``one`` with its k-th living channels moved to where ``other`` has its k-th.

    What has no counterpart is left out.
    """
    mine, theirs = living_channels(one.masks, wiring), living_channels(other.masks, wiring)
    state, masks = dict(one.state), dict(one.masks)
    for name, axis, channels in _axes(wiring):
        here, there = (_living(alive, channels, axis) for alive in (mine, theirs))
        state[name] = _moved(state[name], axis, here, there)
        if name in masks:
            masks[name] = _moved(masks[name], axis, here, there)
    return Genotype(masks, masked(state, masks))


def _axes(wiring: Wiring) -> list[tuple[str, int, Tensor]]:
    """Return every axis along which an entry of the state is cut by channels, each once."""
    found = {}
    for signals in (wiring.sources, wiring.targets):
        for name, signal in signals.items():
            own = [axis for axis, size in enumerate(signal.shape) if size > 1]
            if own:  # of a grouped layer's sources the last: its groups are cut by the targets
                found[name, own[-1]] = signal
    for holding in wiring.holdings:
        found.setdefault((holding.entry, holding.axis), holding.channels)
    return [(name, axis, channels) for (name, axis), channels in found.items()]


def _living(alive: Tensor, channels: Tensor, axis: int) -> Tensor:
    """Return the indices along an axis at which a channel is alive, in order."""
    flags = alive[channels]
    if flags.ndim > 1:
        flags = flags.any(dim=[at for at in range(flags.ndim) if at != axis])
    return flags.nonzero().squeeze(1)


def _moved(value: Tensor, axis: int, here: Tensor, there: Tensor) -> Tensor:
    pairs = min(len(here), len(there))
    moved = zeros_like(value)
    return moved.index_copy(axis, there[:pairs], value.index_select(axis, here[:pairs]))
