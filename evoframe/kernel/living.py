"""Living: a channel lives while something alive writes it and something alive reads it.

What is fed from outside of the synapses is written whatever happens, and so it is with reading.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from evoframe.kernel.genotype import Masks
from evoframe.kernel.tensors.flags import any_of_both
from evoframe.kernel.wiring import Wiring


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


def _any(mask: Tensor, ends: Tensor, channels: Tensor) -> Tensor:
    """Return a bool for each channel: a synapse with a good other end is at it; shaped alike."""
    sizes = zip(channels.shape, mask.shape, strict=True)
    # Axes along which all synapses share the channel: the kernel's, and that of the other end.
    constant = [axis for axis, (size, most) in enumerate(sizes) if size == 1 and most != 1]
    return any_of_both(mask, ends, constant)
