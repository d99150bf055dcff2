"""Synapses: what a forward pass shows of parameters that hold a weight for every synapse."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from evoframe.anatomy.channels.calls import Call
from evoframe.anatomy.channels.channels import Channels
from evoframe.anatomy.rules import Unknown
from evoframe.anatomy.trace.entries import Entries
from evoframe.anatomy.trace.layers import (
    PRODUCTS,
    Layer,
    bind_groups,
    hold_weight,
    holds_its_width,
    incoming_of,
)
from evoframe.anatomy.trace.rows import Rows, UsedRows
from evoframe.anatomy.trace.trace import Asleep, Barrier
from evoframe.anatomy.trace.uses import Use, live_together


class Synapses:
    """The channels at both ends of every synapse; it grows with every call of a layer.

    Attributes:
        sources: channel that each synapse reads, by parameter.
        targets: channel that each synapse writes, by parameter.
        asleep: layers and tables that do not evolve.
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
        self._uses: dict[str, Use] = {}
        self._rows = UsedRows(channels)
        self._zeros: dict[str, list[Tensor]] = {}
        self._continued: set[str] = set()
        self.sources: dict[str, Tensor] = {}
        self.targets: dict[str, Tensor] = {}
        self.asleep: list[Asleep] = []

    # --- while the network runs ---------------------------------------------------------------

    def layer(
        self,
        call: Call,
        inputs: Tensor,
        signal: Tensor | None,
        weight: Tensor,
        bias: Any,
        *,
        zero: bool = False,
    ) -> Tensor:
        """Return the output channels of a layer, as a signal.

        Args:
            call: the use of it.
            inputs: what it reads.
            signal: of the inputs, if they carry channels.
            weight: its parameter, or a view of that.
            bias: its bias, if any.
            zero: whether the inputs are nothing but zeros.

        Raises:
            Unknown: its weights are computed, or its inputs carry channels in a way that none
                could be taken from.
        """
        if (rows := self._entries.rows(weight)) is not None:
            return self._layer_of_rows(call, rows, signal, inputs, bias)
        found = self._entries.matrix(weight, weight.ndim - 2 if call.name in PRODUCTS else 0)
        if found is None:
            raise Unknown("a layer's weights are computed")
        name, axes = found
        layer = Layer.of(call, inputs, name, self._parameters[name], axes)
        incoming = incoming_of(self._channels, signal, inputs, layer.channel_axis, zero=zero)
        outgoing = self._outgoing(layer, incoming)
        # Zeros of a first state are written by what comes later; others are as many as they are.
        if signal is None and zero:
            self._zeros.setdefault(name, []).append(incoming)
        elif signal is not None:
            self._continued.add(name)
        if holds_its_width(self._network, name):
            self._channels.keep(outgoing)
            reason = "a class made of nn.MultiheadAttention takes its inner width for its outer one"
            self._barriers.append(Barrier(name, reason))
        self.hold_bias(bias, outgoing)
        along = layer.channel_axis
        return outgoing.reshape([-1 if at == along else 1 for at in range(call.out.ndim)])

    def _layer_of_rows(
        self, call: Call, rows: Rows, signal: Tensor | None, inputs: Tensor, bias: Any
    ) -> Tensor:
        """Return the output channels of a layer that has some rows of a parameter, as a signal."""
        name, along = rows.name, inputs.ndim - 1
        if call.name == "convolution" or rows.axes != ((1, 0) if call.name != "linear" else (0, 1)):
            raise Unknown("a layer's weights are computed")
        incoming = incoming_of(self._channels, signal, inputs, along)
        evolves = name in self._evolvable and name not in self._uses
        outgoing = self._channels.new(rows.stop - rows.start, fed=not evolves)
        if holds_its_width(self._network, name) or name in self._uses:
            self._use_rows_otherwise(name, incoming, outgoing)
        else:
            self._rows.add(rows, incoming, outgoing)
            if evolves:  # for each use, since what it reads was only known by then
                self._channels.steps.append(name)
            else:
                self._channels.mark_read(incoming)
        self.hold_bias(bias, outgoing)
        return outgoing.reshape([-1 if at == along else 1 for at in range(call.out.ndim)])

    def table(self, name: str, axis: int) -> Tensor:
        """Return the channels of the columns of a table whose rows are looked up.

        Args:
            name: of the parameter.
            axis: along which its columns lie.
        """
        if (before := self._uses.get(name)) is not None and before.is_table:
            return before.along[axis]
        shape, evolves = self._parameters[name].shape, name in self._evolvable
        channels = self._channels.new(shape[axis], fed=before is not None or not evolves)
        use = Use({axis: channels}, is_table=True)
        if before is not None:
            self._use_otherwise(name, before, use)
            return channels
        self._uses[name] = use
        if evolves:  # a synapse leads from its row, which is there always, to its column
            self.sources[name] = self._always().reshape([1] * len(shape))
            self.targets[name] = channels.reshape([-1 if at == axis else 1 for at in (0, 1)])
            self._channels.steps.append(name)
        else:
            self.asleep.append(Asleep(name, channels, is_table=True))
            self._channels.hold(name, axis, channels)
        return channels

    def place(self, name: str, ins: Tensor, outs: Tensor) -> None:
        """Put the synapses of a matrix, (outputs, inputs), between its channels."""
        use = Use({0: outs, 1: ins}, out_axis=0)
        before = self._uses.setdefault(name, use)
        if before is use and name in self._evolvable:
            self.sources[name], self.targets[name] = ins.reshape(1, -1), outs.reshape(-1, 1)
            self._channels.steps.append(name)
            return
        self._channels.fed.append(outs)
        self._channels.mark_read(ins)
        if before is use:
            self.asleep.append(Asleep(name, torch.unique(outs)))
            hold_weight(self._channels, name, ins.reshape(1, -1), outs.reshape(-1, 1))
        else:
            self._use_otherwise(name, before, use)

    def _always(self) -> Tensor:
        """Return a new channel that always lives."""
        channel = self._channels.new(1, fed=True)
        self._channels.keep(channel)
        return channel

    def _outgoing(self, layer: Layer, incoming: Tensor) -> Tensor:
        """Return the output channels of a layer, with its synapses between them and its inputs."""
        before, axis = self._uses.get(layer.name), layer.out_axis
        if before is not None and before.is_like(layer):
            # One channel whichever call writes it: it lives while it does in any of them.
            self._channels.write(before.incoming, incoming)
            return before.outgoing
        # What has no synapses that evolve never runs dry: something other than a synapse feeds it.
        evolves = layer.name in self._evolvable and before is None
        outgoing = self._channels.new(layer.outputs, fed=not evolves)
        use = Use({axis: outgoing, 1 - axis: incoming}, axis, layer.groups)
        if before is not None:
            self._channels.mark_read(incoming)
            self._use_otherwise(layer.name, before, use)
            return outgoing
        self._uses[layer.name] = use
        self._join(layer, incoming, outgoing, evolves=evolves)
        return outgoing

    def _join(self, layer: Layer, incoming: Tensor, outgoing: Tensor, *, evolves: bool) -> None:
        """Put the synapses of a layer between its channels."""
        name, (ins, outs) = layer.name, layer.ends(incoming, outgoing)
        if layer.groups > 1:
            bind_groups(self._network, self._channels, layer, incoming, outgoing)
        if name in self._rows.names():
            self._use_rows_otherwise(name, incoming, outgoing)
        elif evolves:
            self.sources[name], self.targets[name] = ins, outs
            self._channels.steps.append(name)
        else:
            self.asleep.append(Asleep(name, outgoing))
            self._channels.mark_read(incoming)
            hold_weight(self._channels, name, ins, outs)

    def _use_otherwise(self, name: str, before: Use, use: Use) -> None:
        """Let a parameter be used in two ways, as a table and as a layer, or the reverse way round.

        What the second use writes always lives, and all that it reads is read.
        """
        self._barriers.append(Barrier(name, "is used in two ways"))
        live_together(self._channels, before, use)

    def _use_rows_otherwise(self, name: str, incoming: Tensor, outgoing: Tensor) -> None:
        """Let all channels of a parameter stay of which a layer takes rows and another all."""
        held = [one.channels for one in self._channels.holdings if one.entry == name]
        ends = [end[name] for end in (self.sources, self.targets) if name in end]
        for some in (incoming, outgoing, *held, *ends):
            self._channels.pin(some)
        self._barriers.append(Barrier(name, "is used in two ways"))

    def hold_bias(self, bias: Any, outgoing: Tensor) -> None:
        """Let the entries of a bias follow the channels that it is added to."""
        if bias is None:
            return
        rows = self._entries.rows(bias)
        if rows is not None and rows.name not in self._uses and bias.shape == outgoing.shape:
            self._rows.add(rows, None, outgoing)
            return
        found = self._entries.entry(bias)
        if found is None or found[0] in self._rows.names():  # computed, or taken apart
            self._channels.pin(outgoing)
            return
        if bias.ndim and bias.shape[-1] == len(outgoing):
            self._channels.hold(found[0], found[1][-1], outgoing)
        else:  # one number for all of them: without synapses a channel is constant, not zero
            self._channels.fed.append(outgoing)

    # --- afterwards ---------------------------------------------------------------------------

    def finish(self) -> None:
        """Leave parameters alone that were never used, and keep what is read in two ways."""
        for name, zeros in self._zeros.items():
            for channels in zeros if name not in self._continued else ():
                self._channels.keep(channels)
        for name in self._rows.names():
            self._join_rows(name)
        for name in self._evolvable:
            self._leave_alone(name)
            self._pin_if_held(name)

    def _join_rows(self, name: str) -> None:
        """Put the rows of a parameter together that several layers have taken of it."""
        if name in self._uses or self._rows.overlap(name):
            self._rows.pin(name)
            self._barriers.append(Barrier(name, "is used more than once"))
            return
        shape = self._parameters[name].shape
        outgoing = self._rows.written(name, shape[0])
        if len(shape) == 1:
            self._channels.hold(name, 0, outgoing)
            return
        if name in self._evolvable:
            self.sources[name] = self._rows.read(name, shape[0], self._always())
            self.targets[name] = outgoing.reshape(-1, 1)
            return
        self.asleep.append(Asleep(name, outgoing))
        incoming = self._rows.read_together(name)
        self._channels.mark_read(incoming)  # or what is derived of them would be dead
        hold_weight(self._channels, name, incoming.reshape(1, -1), outgoing.reshape(-1, 1))

    def _pin_if_held(self, name: str) -> None:
        """Keep all channels of a parameter whose synapses are read as something else as well.

        A dead channel of one use would take weights from the other.
        """
        held = [one.channels for one in self._channels.holdings if one.entry == name]
        if held:
            for some in (self.sources[name], self.targets[name], *held):
                self._channels.pin(some)
            self._barriers.append(Barrier(name, "is read as synapses and as something else"))

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
