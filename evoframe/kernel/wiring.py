"""Wiring: which neurons each synapse joins, and what dies with a neuron.

A *channel* is one signal of the ancestor. Every synapse leads from a source channel to a target
channel; other channels are derived from channels, as the sum of a residual connection is. A
channel is alive while something writes it and something reads it; when it dies, so does every
synapse at either end, which may kill more channels: :func:`settle` follows that to its end.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property

import attrs
import torch
from torch import Tensor
from torch.nn import functional

from evoframe.kernel.flags import any_of_both, are_all, are_any, both
from evoframe.kernel.genotype import Genotype, Masks, State, cleared, count


@attrs.frozen(eq=False)
class Derived:
    """Channels that are computed from other channels, without synapses.

    Attributes:
        channels: the new channels, int64, each once.
        parts: for each operand, the channel each new channel takes from it; shaped alike.
        every: a new channel needs all of its parts, as a product does; else any will do.
    """

    channels: Tensor
    parts: tuple[Tensor, ...]
    every: bool


@attrs.frozen(eq=False)
class Holding:
    """Slices of a state entry that live and die with channels: biases, normalisation, ...

    Attributes:
        entry: name of the parameter or buffer.
        axis: the axis along which it is cut.
        channels: the channel of each slice, int64.
    """

    entry: str
    axis: int
    channels: Tensor


@attrs.frozen(eq=False)
class Block:
    """A branch that is added to what goes around it, and may leave as a whole.

    Attributes:
        channel: a channel of its own, which nothing computes: it lives while the branch does.
        outputs: the channels that the branch adds, int64; it lives while any of them does.
        inside: parameters of which nothing is needed without it.
        members: all synapses that nobody needs without it, bools broadcastable to parameters.
        exits: parameters by which what it adds is written, or scaled and shifted last.
        around: the channel of the smallest block that contains it; -1 if none does.
    """

    channel: int
    outputs: Tensor
    inside: tuple[str, ...] = ()
    members: Mapping[str, Tensor] = attrs.Factory(dict)
    exits: tuple[str, ...] = ()
    around: int = -1

    def to(self, device: torch.device) -> Block:
        """Return the same block with its tensors on a device."""
        members = {name: one.to(device) for name, one in self.members.items()}
        return attrs.evolve(self, outputs=self.outputs.to(device), members=members)


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
        steps: parameters and derived channels in the order of a forward pass.
        holdings: what lives and dies with channels.
        recurs: whether channels are written by what comes after them, as states are.
        blocks: branches that may leave as a whole.
    """

    sources: Mapping[str, Tensor]
    targets: Mapping[str, Tensor]
    fed: Tensor
    read: Tensor
    steps: tuple[str | Derived, ...]
    holdings: tuple[Holding, ...]
    recurs: bool = False
    blocks: tuple[Block, ...] = ()

    def to(self, device: torch.device) -> Wiring:
        """Return the same wiring with its tensors on a device."""
        return Wiring(
            {name: value.to(device) for name, value in self.sources.items()},
            {name: value.to(device) for name, value in self.targets.items()},
            self.fed.to(device),
            self.read.to(device),
            tuple(
                step
                if isinstance(step, str)
                else Derived(
                    step.channels.to(device), tuple(p.to(device) for p in step.parts), step.every
                )
                for step in self.steps
            ),
            tuple(Holding(h.entry, h.axis, h.channels.to(device)) for h in self.holdings),
            self.recurs,
            tuple(one.to(device) for one in self.blocks),
        )

    @cached_property
    def host(self) -> Wiring:
        """The same wiring on the CPU."""
        cpu = torch.device("cpu")
        return self if self.fed.device == cpu else self.to(cpu)


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


def living_channels(masks: Masks, wiring: Wiring) -> Tensor:
    """Return a bool for each channel, (channels,): it is written and read by something alive."""
    written = _spread(wiring.fed, wiring, lambda flags: _write(flags, masks, wiring))
    read = _spread(wiring.read, wiring, lambda flags: _read(flags, written, masks, wiring))
    alive = (written & read)[:-1]
    for block in wiring.blocks:
        alive[block.channel] = alive[block.outputs].any()
    return alive


def _spread(first: Tensor, wiring: Wiring, sweep: Callable[[Tensor], None]) -> Tensor:
    """Return flags after sweeps over all steps; a sweep only ever adds to them (in place)."""
    before = functional.pad(first, (0, 1))  # one more than there are channels, for :func:`_mark`
    flags = before.clone()
    sweep(flags)
    # In the order of the forward pass one sweep is enough: sources were decided before. A
    # recurrence leads back, so what lives by it is the least that sweeps change no more.
    while wiring.recurs and not torch.equal(flags, before):
        before = flags.clone()
        sweep(flags)
    return flags


def _write(written: Tensor, masks: Masks, wiring: Wiring) -> None:
    """Flag the channels that flagged ones write (in place)."""
    for step in wiring.steps:
        if isinstance(step, str):
            sources, targets = wiring.sources[step], wiring.targets[step]
            _mark(written, targets, _any(masks[step], written[sources], targets))
        else:
            parts = torch.stack([written[part] for part in step.parts])
            written[step.channels] |= parts.all(0) if step.every else parts.any(0)


def _read(read: Tensor, written: Tensor, masks: Masks, wiring: Wiring) -> None:
    """Flag the channels that flagged ones read (in place)."""
    for step in reversed(wiring.steps):
        if isinstance(step, str):
            sources, targets = wiring.sources[step], wiring.targets[step]
            _mark(read, sources, _any(masks[step], read[targets], sources))
        else:
            # What is never written is read by nobody: a gate dies with what it gates.
            wanted = read[step.channels] & written[step.channels]
            for part in step.parts:
                _mark(read, part, wanted)


def _mark(flags: Tensor, channels: Tensor, chosen: Tensor) -> None:
    """Set the flags of chosen channels, in place; the last flag is nobody's."""
    if flags.device.type == "cpu":
        flags[channels[chosen]] = True
    else:  # all are written, since the host would wait for the device to know how many are chosen
        flags[torch.where(chosen, channels, len(flags) - 1)] = True


def is_extinct(masks: Masks) -> bool:
    """Tell whether settled masks leave no synapse at all.

    A layer may be empty and the network work all the same, where a residual connection goes
    around it; where none does, settling has emptied all the others too.
    """
    return not any(are_any(mask) for mask in masks.values())


def _any(mask: Tensor, ends: Tensor, channels: Tensor) -> Tensor:
    """Return a bool for each channel: a synapse with a good other end is at it; shaped alike."""
    sizes = zip(channels.shape, mask.shape, strict=True)
    # Axes along which all synapses share the channel: the kernel's, and that of the other end.
    constant = [axis for axis, (size, most) in enumerate(sizes) if size == 1 and most != 1]
    return any_of_both(mask, ends, constant)


def _along(flags: Tensor, axis: int, value: Tensor) -> Tensor:
    """Return flags shaped to broadcast along one axis of a value."""
    return flags.reshape([-1 if at == axis else 1 for at in range(max(value.ndim, 1))])
