"""Sweeps over a whole network's wiring: what is still read, or written, when something is cut off.

All synapses are there, so what matters of a layer is which of its channels are read or written at
all; masks of single synapses are not needed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import attrs
import torch
from torch import Tensor

from evoframe.anatomy.channels.channels import Channels
from evoframe.anatomy.trace.trace import Trace
from evoframe.kernel.wiring import Derived

Members = Mapping[str, Tensor]
"""Which synapses, by parameter: bools, broadcastable to its shape."""


@attrs.frozen(eq=False)
class Sweeps:
    """A whole network's wiring, ready to be swept.

    Attributes:
        trace: of the network.
        fed: channels that something other than a synapse writes.
        read: channels that something other than a synapse reads.
        constant: channels that may be other than zero where they are dead.
        before: what is read in the whole network.
        classes: for each channel the number of its class.
        stays: channels that are never removed, with all of their classes.
    """

    trace: Trace
    fed: Tensor
    read: Tensor
    constant: Tensor
    before: Tensor
    classes: Tensor
    stays: Tensor

    @classmethod
    def of(cls, trace: Trace) -> Sweeps:
        """Return the sweeps of a trace."""
        channels = trace.channels
        fed, read = channels.flags(channels.fed), channels.flags(channels.read)
        classes, kept = channels.classes(), channels.flags(channels.kept)
        stays = torch.zeros_like(kept)
        stays[classes[kept]] = True
        made = cls(trace, fed, read, _constant(channels), read, classes, stays[classes])
        return attrs.evolve(made, before=made.read_without(-1, -1))

    def read_without(self, step: int, part: int) -> Tensor:
        """Return the channels that are read when a derived channel no more reads one of its parts.

        Args:
            step: which step of the channels.
            part: which of its parts.
        """

        def sweep(read: Tensor) -> None:
            for at in range(len(self._steps) - 1, -1, -1):
                one = self._steps[at]
                if isinstance(one, str):
                    sources, targets = self.trace.sources[one], self.trace.targets[one]
                    read[sources[_gathered(read[targets], sources)]] = True
                    continue
                wanted = read[one.channels]
                for number, channels in enumerate(one.parts):
                    if (at, number) != (step, part):
                        read[channels[wanted]] = True

        return self._swept(self.read, sweep)

    def members(self, read: Tensor) -> dict[str, Tensor]:
        """Return the synapses that were read in the whole network, and are not any more."""
        found = {}
        for name, targets in self.trace.targets.items():
            dead = self.before[targets] & ~read[targets]
            if bool(dead.any()):
                found[name] = dead
        return found

    def written_without(self, members: Members) -> Tensor:
        """Return the channels that something writes when some synapses are absent."""

        def sweep(written: Tensor) -> None:
            for one in self._steps:
                if isinstance(one, str):
                    sources, targets = self.trace.sources[one], self.trace.targets[one]
                    wrote = _gathered(written[sources], targets)
                    if one in members:
                        # Of a parameter that is inside as a whole, one flag may stand for all.
                        wrote = wrote & ~members[one]
                    written[targets[wrote]] = True
                    continue
                parts = torch.stack([written[part] for part in one.parts])
                written[one.channels] |= parts.all(0) if one.every else parts.any(0)

        return self._swept(self.fed, sweep)

    def are_zero(self, signal: Tensor | None, written: Tensor) -> bool:
        """Tell whether a tensor of these channels is zero where so much is written."""
        return signal is not None and not bool((written | self.constant)[signal].any())

    def are_as_wide(self, one: Tensor | None, other: Tensor | None) -> bool:
        """Tell whether two tensors of one shape keep it, whichever channels leave."""
        whole = [signal is None or bool(self.stays[signal].all()) for signal in (one, other)]
        if any(whole) or one is None or other is None:
            return all(whole)
        return one.shape == other.shape and torch.equal(self.classes[one], self.classes[other])

    @property
    def _steps(self) -> list[str | Derived]:
        return self.trace.channels.steps

    def _swept(self, first: Tensor, sweep: Callable[[Tensor], None]) -> Tensor:
        flags, before = first.clone(), first
        sweep(flags)
        while self.trace.channels.recurs and not torch.equal(flags, before):
            before = flags.clone()
            sweep(flags)
        return flags


def _gathered(flags: Tensor, like: Tensor) -> Tensor:
    """Return a bool for each place of another end of synapses: any of the flags meets it."""
    sizes = zip(flags.shape, like.shape, strict=True)
    away = [axis for axis, (mine, other) in enumerate(sizes) if other == 1 and mine > 1]
    return (flags.any(dim=away, keepdim=True) if away else flags).expand_as(like)


def _constant(channels: Channels) -> Tensor:
    """Return the channels that may be other than zero where they are dead, a bool for each."""
    flags = channels.flags(channels.constant)
    for step in channels.steps if channels.constant else ():
        if isinstance(step, Derived):
            flags[step.channels] |= torch.stack([flags[part] for part in step.parts]).any(0)
    return flags
