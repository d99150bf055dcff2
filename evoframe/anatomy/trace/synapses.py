"""Synapses: what a forward pass shows of parameters that hold a weight for every synapse."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from evoframe.anatomy.channels.calls import Call
from evoframe.anatomy.channels.channels import Channels
from evoframe.anatomy.channels.grid import Grid
from evoframe.anatomy.channels.size_attribute import SizeAttribute
from evoframe.anatomy.rules import Unknown
from evoframe.anatomy.trace.entries import Entries
from evoframe.anatomy.trace.layers import PRODUCTS, Layer, hold_weight, holds_its_width, incoming_of
from evoframe.anatomy.trace.trace import Barrier


class Synapses:
    """The channels at both ends of every synapse; it grows with every call of a layer.

    Attributes:
        sources: channel that each synapse reads, by parameter.
        targets: channel that each synapse writes, by parameter.
        others: output channels of layers that do not evolve.
    """

    def __init__(
        self,
        network: nn.Module,
        parameters: Mapping[str, Tensor],
        evolvable: Sequence[str],
        channels: Channels,
        entries: Entries,
        barriers: list[Barrier],
    ) -> None:
        self._network, self._parameters, self._evolvable = network, parameters, evolvable
        self._channels, self._entries, self._barriers = channels, entries, barriers
        self._used: set[str] = set()
        self.sources: dict[str, Tensor] = {}
        self.targets: dict[str, Tensor] = {}
        self.others: list[Tensor] = []

    # --- while the network runs ---------------------------------------------------------------

    def layer(
        self, call: Call, inputs: Tensor, signal: Tensor | None, weight: Tensor, bias: Any
    ) -> Tensor:
        """Return the output channels of a layer, as a signal.

        Args:
            call: the use of it.
            inputs: what it reads.
            signal: of the inputs, if they carry channels.
            weight: its parameter, or a view of that.
            bias: its bias, if any.

        Raises:
            Unknown: its weights are computed, or its inputs carry channels in a way that none
                could be taken from.
        """
        found = self._entries.matrix(weight, weight.ndim - 2 if call.name in PRODUCTS else 0)
        if found is None:
            raise Unknown("a layer's weights are computed")
        name, axes = found
        layer = Layer.of(call, inputs, name, self._parameters[name], axes)
        incoming = incoming_of(self._channels, signal, inputs, layer.channel_axis)
        # What has no synapses that evolve never runs dry: something other than a synapse feeds it.
        evolves = name in self._evolvable and name not in self._used
        outgoing = self._channels.new(layer.outputs, fed=not evolves)
        if holds_its_width(self._network, name):
            self._channels.keep(outgoing)
            reason = "nn.MultiheadAttention takes its inner width for its outer one"
            self._barriers.append(Barrier(name, reason))
        self._join(layer, incoming, outgoing, evolves=evolves)
        self._hold_bias(bias, outgoing)
        along = layer.channel_axis
        return outgoing.reshape([-1 if at == along else 1 for at in range(call.out.ndim)])

    def table(self, name: str, axis: int) -> Tensor:
        """Return the channels of the columns of a table whose rows are looked up.

        Args:
            name: of the parameter.
            axis: along which its columns lie.
        """
        shape = self._parameters[name].shape
        evolves = name in self._evolvable and name not in self._used
        channels = self._channels.new(shape[axis], fed=not evolves)
        if name in self._used:
            self._used_again(name, channels, channels)
        elif evolves:  # a synapse leads from its row, which is there always, to its column
            self.sources[name] = self._always().reshape([1] * len(shape))
            self.targets[name] = channels.reshape([-1 if at == axis else 1 for at in (0, 1)])
            self._channels.steps.append(name)
        else:
            self._channels.hold(name, axis, channels)
        self._used.add(name)
        return channels

    def counts_in(self, entry: str, attribute: str, signal: Tensor, axis: int) -> bool:
        """Let an attribute of an entry's module count an axis; tell whether it has it."""
        return self.counts_of(entry.rpartition(".")[0], attribute, signal, axis)

    def counts_of(self, owner: str, attribute: str, signal: Tensor, axis: int) -> bool:
        """Let an attribute of a module count an axis; tell whether it has it."""
        if getattr(self._network.get_submodule(owner), attribute, None) != signal.shape[axis]:
            return False
        self._channels.size_attributes.append(SizeAttribute(owner, attribute, None, signal, axis))
        return True

    def _always(self) -> Tensor:
        """Return a new channel that always lives."""
        channel = self._channels.new(1, fed=True)
        self._channels.keep(channel)
        return channel

    def _join(self, layer: Layer, incoming: Tensor, outgoing: Tensor, *, evolves: bool) -> None:
        """Put the synapses of a layer between its channels."""
        name, (ins, outs) = layer.name, layer.ends(incoming, outgoing)
        if layer.groups > 1:
            self._bind_groups(layer, incoming, outgoing)
        if name in self._used:
            self._used_again(name, incoming, outgoing)
        elif evolves:
            self.sources[name], self.targets[name] = ins, outs
            self._channels.steps.append(name)
        else:
            self.others.append(outgoing)
            self._channels.mark_read(incoming)
            hold_weight(self._channels, name, ins, outs)
        self._used.add(name)

    def _bind_groups(self, layer: Layer, incoming: Tensor, outgoing: Tensor) -> None:
        """Let groups go as a whole, or lose the same positions in each."""
        ins, outs = incoming.reshape(layer.groups, -1), outgoing.reshape(layer.groups, -1)
        counted = self.counts_in(layer.name, "groups", ins, 0)
        if ins.shape[1] == 1 and outs.shape[1] == 1:  # depthwise: a channel in, the same one out
            self._channels.ties.append((ins.reshape(-1), outs.reshape(-1)))
            return
        fixed = () if counted else (0,)  # else their number is written somewhere in the code
        # A row for each group, inputs left and outputs right: all lose the same columns of a side.
        parts = (ins.shape[1], outs.shape[1])
        self._channels.grids.append(Grid(torch.cat([ins, outs], 1), fixed, parts))

    def _used_again(self, name: str, incoming: Tensor, outgoing: Tensor) -> None:
        """Take a layer that is used again as one whose channels all stay, at both uses."""
        if name in self.sources:
            # One mask cannot mean two wirings at once: no channel leaves, synapses go one by one.
            for held in (self.sources, self.targets):
                self._channels.pin(held[name])
            self.sources[name] = self._always().reshape([1] * self._parameters[name].ndim)
        self._channels.pin(incoming)
        self._channels.pin(outgoing)
        # A layer that does not evolve holds its weight by channels instead of sources and targets.
        for holding in self._channels.holdings:
            if holding.entry == name:
                self._channels.pin(holding.channels)
        self._barriers.append(Barrier(name, "is used more than once"))

    def _hold_bias(self, bias: Any, outgoing: Tensor) -> None:
        if bias is None:
            return
        found = self._entries.entry(bias)
        # Computed, or shared with another layer: it cannot lose an entry for one of them alone.
        if found is None or found[0] in self._used:
            self._channels.pin(outgoing)
            return
        self._used.add(found[0])
        if bias.ndim and bias.shape[-1] == len(outgoing):
            self._channels.hold(found[0], found[1][-1], outgoing)
        else:  # one number for all of them: without synapses a channel is constant, not zero
            self._channels.fed.append(outgoing)

    # --- afterwards ---------------------------------------------------------------------------

    def finish(self) -> None:
        """Leave parameters alone that were never used, and keep what is read in two ways."""
        for name in self._evolvable:
            self._leave_alone(name)
            self._pin_if_held(name)

    def _pin_if_held(self, name: str) -> None:
        """Keep all channels of a parameter whose synapses are read as something else as well.

        A dead channel of one use would take weights from the other.
        """
        held = [one.channels for one in self._channels.holdings if one.entry == name]
        if held or any(entry == name for entry, _ in self._channels.shared):
            nobody = torch.zeros(0, dtype=torch.long)
            self._used_again(name, torch.cat([nobody, *held]), nobody)

    def _leave_alone(self, name: str) -> None:
        """Give channels that stay to both ends of a parameter where they are not known."""
        shape = self._parameters[name].shape
        # One channel that is read, and one for each row: single weights evolve, no channel leaves.
        for held, count in ((self.sources, 1), (self.targets, shape[0])):
            if name not in held:
                channels = self._channels.new(count, fed=True)
                self._channels.keep(channels)
                held[name] = channels.reshape(-1, *[1] * (len(shape) - 1))
        if name not in self._channels.steps:
            self._channels.steps.append(name)
