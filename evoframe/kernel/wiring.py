"""Wiring: which neurons each synapse joins.

A *channel* is one signal of the ancestor. Every synapse leads from a source channel to a target
channel; other channels are derived from channels, as the sum of a residual connection is.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

import attrs
import torch
from torch import Tensor


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
