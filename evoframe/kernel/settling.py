"""Settling: what dies with a neuron.

A channel is alive while something writes it and something reads it; when it dies, so does every
synapse at either end, which may kill more channels: :func:`settle` follows that to its end.
"""

from __future__ import annotations

import attrs
import torch
from torch import Tensor

from evoframe.kernel.genotype import Genotype, Masks, State, cleared, count
from evoframe.kernel.living import living_channels
from evoframe.kernel.tensors.flags import are_all, are_any, both
from evoframe.kernel.wiring import Wiring


def settle_masks(masks: Masks, wiring: Wiring) -> dict[str, Tensor]:
    """Return the masks, bool by parameter, with dead-in and dead-out closed to the end."""
    return settled_and_living(masks, wiring)[0]


def settled_and_living(masks: Masks, wiring: Wiring) -> tuple[dict[str, Tensor], Tensor]:
    """Return the masks, closed to the end, and a bool for each channel: it is alive with them."""
    settled, before, now = dict(masks), -1, count(masks)
    while now != before:
        alive = living_channels(settled, wiring)
        settled = between(alive, settled, wiring)
        # Masks only ever lose entries, so an equal number means that nothing has changed.
        before, now = now, count(settled)
    return settled, alive


def between(alive: Tensor, masks: Masks, wiring: Wiring) -> dict[str, Tensor]:
    """Return the masks without synapses that lead from or to channels that are not alive."""
    found = {
        name: both(both(mask, alive[wiring.sources[name]]), alive[wiring.targets[name]])
        for name, mask in masks.items()
    }
    return found | _emptied(found, alive, wiring)


def _emptied(masks: Masks, alive: Tensor, wiring: Wiring) -> dict[str, Tensor]:
    """Return empty masks of all parameters inside blocks that are dead."""
    here = alive.cpu() if wiring.blocks else alive  # a device is waited for once
    dead = [one for one in wiring.blocks if not here[one.channel]]
    return {name: torch.zeros_like(masks[name]) for one in dead for name in one.inside}


def settle(genotype: Genotype, wiring: Wiring) -> Genotype:
    """Return the genotype with no synapse that leads from or to nowhere, and nothing left over.

    Absent synapses are zero afterwards, and so is every slice that belonged to a dead channel.
    Settling twice changes nothing more.
    """
    masks, alive = settled_and_living(genotype.masks, wiring)
    return Genotype(masks, without_the_dead(genotype.state, masks, alive, wiring))


def without_the_dead(
    state: State, masks: Masks, alive: Tensor, wiring: Wiring
) -> dict[str, Tensor]:
    """Return a state with zeros where synapses are absent or channels dead; the rest as it was.

    Args:
        state: parameters and buffers.
        masks: settled ones.
        alive: the channels that live with those, a bool for each.
        wiring: of the ancestor.
    """
    state = cleared(state, masks)
    for holding in wiring.holdings:
        living = alive[holding.channels]
        if living.device.type == "cpu" and are_all(living):  # a GPU is not waited for
            continue
        value = state[holding.entry]
        kept = _along(living, holding.axis, value)
        state[holding.entry] = torch.where(kept, value, torch.zeros_like(value))
    return state


def presence(genotype: Genotype, wiring: Wiring) -> dict[str, Tensor]:
    """Return the living part of every entry of the state: bool, broadcastable to its shape.

    Synapses that are present, slices of living channels, and everything else.
    """
    alive = living_channels(genotype.masks, wiring)
    present = {
        name: torch.ones((), dtype=torch.bool, device=value.device)
        for name, value in genotype.state.items()
    }
    present |= genotype.masks
    for holding in wiring.holdings:
        value = genotype.state[holding.entry]
        here = _along(alive[holding.channels], holding.axis, value)
        present[holding.entry] = present[holding.entry] & here
    return present


def revive(genotype: Genotype, *, before: Masks, ancestor_state: State, wiring: Wiring) -> Genotype:
    """Give channels that were dead in ``before`` and live now the ancestor's belongings.

    Their incoming weights stay what the genotype says (zero, where nothing was inherited).
    """
    risen = living_channels(genotype.masks, wiring) & ~living_channels(before, wiring)
    if not bool(risen.any()):
        return genotype
    state = dict(genotype.state)
    for holding in wiring.holdings:
        value = state[holding.entry]
        fresh = _along(risen[holding.channels], holding.axis, value)
        state[holding.entry] = torch.where(fresh, ancestor_state[holding.entry].to(value), value)
    return attrs.evolve(genotype, state=state)


def is_extinct(masks: Masks) -> bool:
    """Tell whether settled masks leave no synapse at all.

    A layer may be empty and the network work all the same, where a residual connection goes
    around it; where none does, settling has emptied all the others too.
    """
    return not any(are_any(mask) for mask in masks.values())


def _along(flags: Tensor, axis: int, value: Tensor) -> Tensor:
    """Return flags shaped to broadcast along one axis of a value."""
    return flags.reshape([-1 if at == axis else 1 for at in range(max(value.ndim, 1))])
