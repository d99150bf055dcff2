"""Wiring: which neurons each synapse joins, and what dies with a neuron.

A *channel* is one signal that several layers may write and several may read. Every synapse leads
from a source channel to a target channel. A channel is alive while something writes it and
something reads it; when it dies, so does every synapse at either end, which may kill more
channels: :func:`settle` follows that to its end.
"""

from __future__ import annotations

from collections.abc import Mapping

import attrs
import torch
from torch import Tensor

from evoframe.kernel.genotype import Genotype, Masks, State, masked


@attrs.frozen(eq=False)
class Wiring:
    """The channels of an ancestor and how its synapses join them.

    Attributes:
        sources: for each parameter that holds synapses, the channel that every synapse reads:
            int64, same number of axes as the parameter, size 1 along axes where it is constant.
        targets: the same for the channel that every synapse writes.
        fed: channels that something other than a synapse writes (network inputs, layers that do
            not evolve, operations that are not understood); bool, one entry a channel.
        read: channels that something other than a synapse reads (network outputs, ...); as ``fed``.
        belongings: state entries that live and die with neurons (biases, normalisation): name to
            the name of the parameter whose output neurons own them, entry i with neuron i.
    """

    sources: Mapping[str, Tensor]
    targets: Mapping[str, Tensor]
    fed: Tensor
    read: Tensor
    belongings: Mapping[str, str]


def settle_masks(masks: Masks, wiring: Wiring) -> dict[str, Tensor]:
    """Return the masks with dead-in and dead-out closed until nothing changes."""
    settled, before = dict(masks), -1
    now = sum(int(mask.sum()) for mask in settled.values())
    while now != before:
        alive = living_channels(settled, wiring)
        settled = {
            name: mask
            & _gather(alive, wiring.sources[name], mask)
            & _gather(alive, wiring.targets[name], mask)
            for name, mask in settled.items()
        }
        before, now = now, sum(int(mask.sum()) for mask in settled.values())
    return settled


def settle(genotype: Genotype, wiring: Wiring) -> Genotype:
    """Return the genotype with no synapse that leads from or to nowhere, and nothing left over.

    Absent synapses are zero afterwards, and so is whatever belonged to a neuron that has no
    incoming synapse left. Settling twice changes nothing more.
    """
    masks = settle_masks(genotype.masks, wiring)
    state = masked(genotype.state, masks)
    for entry, owner in wiring.belongings.items():
        alive = living_neurons(masks[owner], wiring.targets[owner])
        state[entry] = torch.where(alive, state[entry], torch.zeros_like(state[entry]))
    return Genotype(masks, state)


def revive(genotype: Genotype, *, before: Masks, ancestor: State, wiring: Wiring) -> Genotype:
    """Give neurons that were dead in ``before`` and live now the ancestor's belongings.

    Their incoming weights stay what the genotype says (zero, where nothing was inherited).
    """
    state = dict(genotype.state)
    for entry, owner in wiring.belongings.items():
        targets = wiring.targets[owner]
        risen = living_neurons(genotype.masks[owner], targets) & ~living_neurons(
            before[owner], targets
        )
        state[entry] = torch.where(risen, ancestor[entry].to(state[entry]), state[entry])
    return attrs.evolve(genotype, state=state)


def living_channels(masks: Masks, wiring: Wiring) -> Tensor:
    """Return a bool for each channel: something writes it and something reads it."""
    written, read = wiring.fed.clone(), wiring.read.clone()
    for name, mask in masks.items():
        _scatter(written, wiring.targets[name], mask)
        _scatter(read, wiring.sources[name], mask)
    return written & read


def living_neurons(mask: Tensor, targets: Tensor) -> Tensor:
    """Return a bool for each output neuron of a layer: it keeps an incoming synapse."""
    return _reduced(mask, targets).reshape(-1)


def is_extinct(masks: Masks, wiring: Wiring) -> bool:
    """Tell whether settled masks leave nothing that could reach the network's output."""
    readable = wiring.read & living_channels(masks, wiring)
    return not any(bool(mask.any()) for mask in masks.values()) or not bool(readable.any())


def _reduced(mask: Tensor, channels: Tensor) -> Tensor:
    """Return "any" of the mask over the axes along which the channel is constant."""
    constant = [axis for axis, size in enumerate(channels.shape) if size == 1]
    constant = [axis for axis in constant if mask.shape[axis] != 1]
    return mask.any(dim=constant, keepdim=True) if constant else mask


def _scatter(flags: Tensor, channels: Tensor, mask: Tensor) -> None:
    """Set the flag of every channel that a present synapse names (in place)."""
    flags[channels[_reduced(mask, channels)]] = True


def _gather(flags: Tensor, channels: Tensor, mask: Tensor) -> Tensor:
    """Return each synapse's own flag, broadcast to the shape of the mask."""
    return flags[channels].expand_as(mask)
