"""Tracer: sees every ATen call of a forward pass and carries signals through it.

The rules carry signals on (:mod:`evoframe.anatomy.channels.signals`), and layers turn them into
wiring. Where no rule can tell, there is a barrier: the channels that enter stay.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode  # the documented place of this class

from evoframe.anatomy.channels.calls import (
    MADE_OF_PARAMETERS,
    Call,
    tensors_in,
)
from evoframe.anatomy.channels.channels import Channels
from evoframe.anatomy.channels.grid import Grid
from evoframe.anatomy.channels.signals import narrowed
from evoframe.anatomy.channels.size_attribute import SizeAttribute
from evoframe.anatomy.rules import RULES, Signal, Unknown
from evoframe.anatomy.trace.entries import Entries
from evoframe.anatomy.trace.layers import Layer, hold_weight, holds_its_width, incoming_of
from evoframe.anatomy.trace.relatives import Relatives
from evoframe.anatomy.trace.shortcuts import run
from evoframe.anatomy.trace.slices import Axes
from evoframe.anatomy.trace.trace import Barrier, Pass, RecordedCall, Result, Trace, Work
from evoframe.anatomy.trace.work import work_of
from evoframe.kernel.entries import tensors_of


class MetaTracer(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Sees every ATen call and carries signals through those it understands."""

    def __init__(
        self, network: nn.Module, evolvable: tuple[str, ...], *, approximate: bool
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.network, self.approximate = network, approximate
        self.parameters = named = tensors_of(network)
        self.entries = Entries(self.parameters)
        self.evolvable = evolvable
        self.channels = Channels()
        self.signals: dict[int, Tensor] = {}
        self.sources: dict[str, Tensor] = {}
        self.targets: dict[str, Tensor] = {}
        self.others: list[Tensor] = []
        self.used: set[str] = set()
        self.calls: list[RecordedCall] = []
        self.work: list[Work] = []
        self.barriers: list[Barrier] = []
        self.relatives = Relatives()
        # Tensors are known by their ids, which stay unique only while their objects live.
        self.alive: list[Any] = [named]

    def __torch_dispatch__(
        self,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        out = run(func, args, kwargs)
        self.alive.append((args, out))
        call = Call.of(func, args, kwargs, out)
        # Writes spoil signals before a rule reads them; what is recorded are those that it has set.
        self.entries.carry(call)
        if call.works_in_place:
            self._write(call)
        if self._meets_channels(call):
            self._apply(call)
        self.relatives.relate(call)
        self._record(call)
        return out

    def signal(self, value: Any) -> Tensor | None:
        """Return the signal of a tensor; None if it carries no channel."""
        return self.signals.get(id(value)) if isinstance(value, Tensor) else None

    def entry(self, value: Any) -> tuple[str, tuple[int, ...]] | None:
        """Return the entry that a tensor is, with the entry's axis for each of its own."""
        return self.entries.entry(value)

    def slices(self, value: Any) -> tuple[str, Axes] | None:
        """Return the entry that a tensor was made of slice by slice, with its axes."""
        return self.entries.slices(value)

    def counts_in(self, entry: str, attribute: str, signal: Tensor, axis: int) -> bool:
        """Let an attribute of an entry's module count an axis; tell whether it has it."""
        owner = entry.rpartition(".")[0]
        if getattr(self.network.get_submodule(owner), attribute, None) != signal.shape[axis]:
            return False
        self.channels.size_attributes.append(SizeAttribute(owner, attribute, None, signal, axis))
        return True

    def layer(self, call: Call, inputs: Tensor, weight: Tensor, bias: Any) -> Tensor | None:
        """Return the output channels of a layer with synapses."""
        found = self.entry(weight)
        if found is None:
            raise Unknown("a layer's weights are computed")
        name, axes = found
        layer = Layer.of(call, inputs, name, self.parameters[name], axes)
        incoming = incoming_of(self.channels, self.signal(inputs), inputs, layer.channel_axis)
        # What has no synapses that evolve never runs dry: something other than a synapse feeds it.
        evolves = name in self.evolvable and name not in self.used
        outgoing = self.channels.new(layer.outputs, fed=not evolves)
        if holds_its_width(self.network, name):
            self.channels.keep(outgoing)
            reason = "nn.MultiheadAttention takes its inner width for its outer one"
            self.barriers.append(Barrier(name, reason))
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
        shape = self.parameters[name].shape
        evolves = name in self.evolvable and name not in self.used
        channels = self.channels.new(shape[axis], fed=not evolves)
        if name in self.used:
            self._used_again(name, channels, channels)
        elif evolves:  # a synapse leads from its row, which is there always, to its column
            self.sources[name] = self._always().reshape([1] * len(shape))
            self.targets[name] = channels.reshape([-1 if at == axis else 1 for at in (0, 1)])
            self.channels.steps.append(name)
        else:
            self.channels.hold(name, axis, channels)
        self.used.add(name)
        return channels

    def _always(self) -> Tensor:
        """Return a new channel that always lives."""
        channel = self.channels.new(1, fed=True)
        self.channels.keep(channel)
        return channel

    def _join(self, layer: Layer, incoming: Tensor, outgoing: Tensor, *, evolves: bool) -> None:
        """Put the synapses of a layer between its channels."""
        name, (ins, outs) = layer.name, layer.ends(incoming, outgoing)
        if layer.groups > 1:
            self._bind_groups(layer, incoming, outgoing)
        if name in self.used:
            self._used_again(name, incoming, outgoing)
        elif evolves:
            self.sources[name], self.targets[name] = ins, outs
            self.channels.steps.append(name)
        else:
            self.others.append(outgoing)
            self.channels.mark_read(incoming)
            hold_weight(self.channels, name, ins, outs)
        self.used.add(name)

    def _bind_groups(self, layer: Layer, incoming: Tensor, outgoing: Tensor) -> None:
        """Let groups go as a whole, or lose the same positions in each."""
        ins, outs = incoming.reshape(layer.groups, -1), outgoing.reshape(layer.groups, -1)
        counted = self.counts_in(layer.name, "groups", ins, 0)
        if ins.shape[1] == 1 and outs.shape[1] == 1:  # depthwise: a channel in, the same one out
            self.channels.ties.append((ins.reshape(-1), outs.reshape(-1)))
            return
        fixed = () if counted else (0,)  # else their number is written somewhere in the code
        # A row for each group, inputs left and outputs right: all lose the same columns of a side.
        parts = (ins.shape[1], outs.shape[1])
        self.channels.grids.append(Grid(torch.cat([ins, outs], 1), fixed, parts))

    def _used_again(self, name: str, incoming: Tensor, outgoing: Tensor) -> None:
        """Take a layer that is used again as one whose channels all stay, at both uses."""
        if name in self.sources:
            # One mask cannot mean two wirings at once: no channel leaves, synapses go one by one.
            for held in (self.sources, self.targets):
                self.channels.pin(held[name])
            self.sources[name] = self._always().reshape([1] * self.parameters[name].ndim)
        self.channels.pin(incoming)
        self.channels.pin(outgoing)
        # A layer that does not evolve holds its weight by channels instead of sources and targets.
        for holding in self.channels.holdings:
            if holding.entry == name:
                self.channels.pin(holding.channels)
        self.barriers.append(Barrier(name, "is used more than once"))

    def _hold_bias(self, bias: Any, outgoing: Tensor) -> None:
        if bias is None:
            return
        found = self.entry(bias)
        # Computed, or shared with another layer: it cannot lose an entry for one of them alone.
        if found is None or found[0] in self.used:
            self.channels.pin(outgoing)
            return
        self.used.add(found[0])
        if bias.ndim and bias.shape[-1] == len(outgoing):
            self.channels.hold(found[0], found[1][-1], outgoing)
        else:  # one number for all of them: without synapses a channel is constant, not zero
            self.channels.fed.append(outgoing)

    def _write(self, call: Call) -> None:
        """Take a tensor that is written through a view as one whose channels all stay.

        A view shows a part of the tensor, and the rule of the call would speak of that part alone.
        """
        family = self.relatives.of(call.args[0])
        known = [signal for value in family if (signal := self.signal(value)) is not None]
        if len(family) < 2 or not known:
            return
        for signal in known:
            self.channels.pin(signal)
        for value in family:
            self.signals.pop(id(value), None)
        self.barriers.append(Barrier(str(call.func), "writes into a part of another tensor"))

    def _meets_channels(self, call: Call) -> bool:
        if any(self.signal(value) is not None for value in tensors_in((call.args, call.kwargs))):
            return True
        return call.name in MADE_OF_PARAMETERS

    def _apply(self, call: Call) -> None:
        rule = RULES.get(call.name)
        try:
            if rule is None:
                raise Unknown(f"what {call.name} does to channels is not known")  # noqa: TRY301
            self._set(call, rule(self, call))
        except Unknown as unknown:
            if self.keep_all((call.args, call.kwargs)):
                self.barriers.append(Barrier(str(call.func), str(unknown)))
            for value in tensors_in(call.out):
                if (signal := self.signals.pop(id(value), None)) is not None:  # changed in place
                    self.channels.pin(signal)

    def _set(self, call: Call, signal: Signal) -> None:
        outs = tensors_in(call.out)
        several = signal if isinstance(signal, list) else [signal]
        # Some calls give more than rules speak of: indices of a pooling, moments of a norm.
        for value, one in zip(outs, several, strict=False):
            if one is None:
                self.signals.pop(id(value), None)
                continue
            sizes = zip(one.shape, value.shape, strict=True)
            assert all(mine in (1, size) for mine, size in sizes), (call.name, one.shape)
            self.signals[id(value)] = narrowed(one)

    def _record(self, call: Call) -> None:
        """Remember what a smaller network must do alike."""
        if (work := work_of(call.full_name, call.args, call.out, self)) is not None:
            self.work.append(work)
        if call.counts:
            results = tuple([Result(one.shape, self.signal(one)) for one in tensors_in(call.out)])
            self.calls.append(RecordedCall(results, call.numbers))

    def keep_all(self, value: Any) -> bool:
        """Keep the channels of every tensor inside a value; tell whether there were any."""
        found = [self.signal(one) for one in tensors_in(value)]
        known = [signal for signal in found if signal is not None]
        for signal in known:
            self.channels.keep(signal)
        return bool(known)

    def trace(self, passes: tuple[Pass, ...]) -> Trace:
        """Return the trace; parameters that were never used are left to themselves."""
        for name in self.evolvable:
            self._leave_alone(name)
            self._pin_if_held(name)
        return Trace(
            channels=self.channels,
            sources=self.sources,
            targets=self.targets,
            others=tuple(self.others),
            passes=passes,
            barriers=tuple(dict.fromkeys(self.barriers)),
        )

    def _pin_if_held(self, name: str) -> None:
        """Keep all channels of a parameter whose synapses are read as something else as well.

        A dead channel of one use would take weights from the other.
        """
        held = [one.channels for one in self.channels.holdings if one.entry == name]
        if held or any(entry == name for entry, _ in self.channels.shared):
            nobody = torch.zeros(0, dtype=torch.long)
            self._used_again(name, torch.cat([nobody, *held]), nobody)

    def _leave_alone(self, name: str) -> None:
        """Give channels that stay to both ends of a parameter where they are not known."""
        shape = self.parameters[name].shape
        # One channel that is read, and one for each row: single weights evolve, no channel leaves.
        for held, count in ((self.sources, 1), (self.targets, shape[0])):
            if name not in held:
                channels = self.channels.new(count, fed=True)
                self.channels.keep(channels)
                held[name] = channels.reshape(-1, *[1] * (len(shape) - 1))
        if name not in self.channels.steps:
            self.channels.steps.append(name)
