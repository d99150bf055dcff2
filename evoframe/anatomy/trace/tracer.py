"""Tracer: sees every ATen call of a forward pass and carries signals through it.

The rules carry signals on (:mod:`evoframe.anatomy.channels.signals`), and layers turn them into
wiring. Where no rule can tell, there is a barrier: the channels that enter stay.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode  # the documented place of this class

from evoframe.anatomy.channels.calls import MADE_OF_PARAMETERS, Call, lays_out_anew, tensors_in
from evoframe.anatomy.channels.channels import Channels
from evoframe.anatomy.channels.signals import narrowed
from evoframe.anatomy.replacements import IdleModule
from evoframe.anatomy.rules import RULES, Signal, Unknown
from evoframe.anatomy.trace.entries import Entries
from evoframe.anatomy.trace.flow import Flow
from evoframe.anatomy.trace.layers import incoming_of
from evoframe.anatomy.trace.places import line_reached, module_reached
from evoframe.anatomy.trace.questions import Questions
from evoframe.anatomy.trace.relatives import Relatives
from evoframe.anatomy.trace.shortcuts import run
from evoframe.anatomy.trace.synapses import Synapses
from evoframe.anatomy.trace.trace import Barrier, Pass, RecordedCall, Result, Trace, Work
from evoframe.anatomy.trace.units import Units
from evoframe.anatomy.trace.unread import Unread, can_wait
from evoframe.anatomy.trace.wholes import Wholes
from evoframe.anatomy.trace.work import work_of
from evoframe.anatomy.trace.written import Written
from evoframe.costs.flops import RECURRENT
from evoframe.kernel.modules.entries import state_of, tensors_of


class MetaTracer(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Sees every ATen call and carries signals through those it understands."""

    def __init__(
        self,
        network: nn.Module,
        evolvable: tuple[str, ...],
        *,
        approximate: bool,
        asks: bool = False,
        depth: bool = False,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.network, self.approximate = network, approximate
        named = tensors_of(network)
        self.entries = Entries(named, state_of(network))
        self.channels = Channels()
        self.signals: dict[int, Tensor] = {}
        self.beside: dict[int, Tensor] = {}
        self.calls: list[RecordedCall] = []
        self.work: list[Work] = []
        self.barriers: list[Barrier] = []
        self.synapses = Synapses(
            network, named, evolvable, self.channels, self.entries, self.barriers
        )
        self.units = Units(self.channels, self.entries, self.synapses)
        self.relatives, self.unread = Relatives(), Unread()
        self.wholes = Wholes(self.entries)
        # Costs a little at every call, so it is there where anything is asked.
        self.questions = Questions(self) if asks else None
        self.flow = Flow(network) if depth else None
        # Tensors are known by their ids, which stay unique only while their objects live.
        self.alive: list[Any] = [named]

    def __torch_dispatch__(
        self,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        if lays_out_anew(func, args):
            return run(func, args, kwargs)
        return self._follow(func, args, kwargs)

    def _follow(self, func: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any] | None) -> Any:
        self._take((args, kwargs))
        out = run(func, args, kwargs)
        self.alive.append(args)
        call = Call.of(func, args, kwargs, out)
        # A number of a tensor that is gone may be that of a new one by now.
        if self.beside and not call.works_in_place:
            for value in tensors_in(out):
                self.beside.pop(id(value), None)
        # What is written over is known before its rule is asked, and forgotten afterwards.
        written = Written.of(self, call) if call.works_in_place else None
        if not call.works_in_place:
            self.entries.carry(call)
        meets, flow = self._meets_channels(call), self.flow
        adding = flow and flow.adding(call, self.signals, self.channels)
        if not meets or self._apply(call):
            self.alive.append(out)
        if written is not None:
            written.spread(self)
        if call.works_in_place:
            self.entries.carry(call)
        if not meets:
            self.wholes.follow(call, self._barrier)
        self.relatives.relate(call)
        if self.questions is not None:
            self.questions.follow(call)
        self._record(call)
        if flow is not None:
            flow.follow(call, self.signals, self.relatives, adding, self.channels)
        return out

    def signal(self, value: Any) -> Tensor | None:
        """Return the signal of a tensor; None if it carries no channel."""
        if not isinstance(value, Tensor):
            return None
        if (first := self.beside.pop(id(value), None)) is not None:
            self._read_beside(value, first)
        return self.signals.get(id(value))

    def entry(self, value: Any) -> tuple[str, tuple[int, ...]] | None:
        """Return the entry that a tensor is, with the entry's axis for each of its own."""
        return self.entries.entry(value)

    def asked(self, func: Any, args: tuple[Any, ...]) -> None:
        """Take note that code asks for the values of tensors."""
        if self.questions is not None:
            self.questions.ask(func, args)

    def counts_in(self, entry: str, attribute: str, signal: Tensor, axis: int) -> bool:
        """Let an attribute of an entry's module count an axis; tell whether it has it."""
        owner = entry.rpartition(".")[0]
        return self.channels.count_by(self.network, owner, attribute, signal, axis)

    def counts_here(self, attribute: str, signal: Tensor, axis: int) -> bool:
        """Let an attribute of the module that runs count an axis; tell whether it has it."""
        owner = module_reached(self.network)
        return self.channels.count_by(self.network, owner, attribute, signal, axis)

    def idle_width(self) -> tuple[str, int] | None:
        """Return the attribute and the axis of the channels that a running idle layer gives."""
        module = self.network.get_submodule(module_reached(self.network))
        return module._idle_width() if isinstance(module, IdleModule) else None  # noqa: SLF001

    def layer(self, call: Call, inputs: Tensor, weight: Tensor, bias: Any) -> Tensor | None:
        """Return the output channels of a layer with synapses."""
        if self.signal(bias) is not None:
            raise Unknown("channels enter a layer as its bias")
        zero, signal = self.entries.even.value(inputs) == 0, self.signal(inputs)
        return self.synapses.layer(call, inputs, signal, weight, bias, zero=zero)

    def incoming(self, inputs: Tensor, axis: int) -> Tensor | None:
        """Return one channel for each position of an axis; None if inputs carry no channel."""
        signal = self.signal(inputs)
        return None if signal is None else incoming_of(self.channels, signal, inputs, axis)

    def recurrence(
        self, incoming: Tensor | None, weights: Sequence[Tensor], *, biased: bool
    ) -> tuple[Tensor, Tensor]:
        """Return the units of a recurrent layer, and the channels that it gives."""
        return self.units.recurrence(incoming, weights, biased=biased)

    def table(self, name: str, axis: int) -> Tensor:
        """Return the channels of the columns of a table whose rows are looked up."""
        return self.synapses.table(name, axis)

    def _meets_channels(self, call: Call) -> bool:
        if any(self.signal(value) is not None for value in tensors_in((call.args, call.kwargs))):
            return True
        return call.name in MADE_OF_PARAMETERS

    def _apply(self, call: Call) -> bool:
        """Let a rule say what a call does; tell whether its results are known or kept for."""
        try:
            if (rule := RULES.get(call.name)) is None:
                raise Unknown(f"what {call.name} does to channels is not known")  # noqa: TRY301
            self._set(call, rule(self, call))
        except Unknown as unknown:
            reason = str(unknown)
        else:
            return True
        # After the exception: to ask where this was keeps what frames hold, its traceback included.
        return self._stopped(call, reason)

    def _stopped(self, call: Call, reason: str) -> bool:
        barrier = self._barrier(call, reason)
        self.wholes.follow(call, self._barrier)
        entered = tuple(self._signals_in((call.args, call.kwargs)))
        if call.name in RECURRENT:  # they lose no unit then, whether channels enter or not
            self.barriers.append(barrier)
        elif can_wait(call) and self.entries.made(call.out) is None:
            self.unread.wait(call, entered, barrier)
            return False
        self._keep_for(entered, barrier)
        for value in tensors_in(call.out):
            if (signal := self.signals.pop(id(value), None)) is not None:  # changed in place
                self.channels.pin(signal)
        return True

    def _keep_for(self, signals: tuple[Tensor, ...], barrier: Barrier) -> None:
        for signal in signals:
            self.channels.keep(signal)
        if signals:
            self.barriers.append(barrier)

    def _take(self, value: Any) -> None:
        """Keep what entered operations that no rule knows, where their results are taken."""
        for one in self.unread.taken(value):
            self._keep_for(one.signals, one.barrier)

    def _set(self, call: Call, signal: Signal) -> None:
        outs = tensors_in(call.out)
        several = signal if isinstance(signal, list) else [signal]
        if all(one is None for one in several):  # what swallows channels has read them
            for read in self._signals_in((call.args, call.kwargs)):
                self.channels.mark_read(read)
        for value, one in zip(outs, several, strict=False):
            if one is None:
                self.signals.pop(id(value), None)
                continue
            sizes = zip(one.shape, value.shape, strict=False)
            if one.ndim != value.ndim or not all(mine in (1, size) for mine, size in sizes):
                raise Unknown("only some of the channels come out, by their positions")
            self.signals[id(value)] = narrowed(one)
        if outs and (first := self.signals.get(id(outs[0]))) is not None:
            self.beside |= {id(value): first for value in outs[len(several) :]}

    def _read_beside(self, value: Tensor, first: Tensor) -> None:
        """Let an output that no rule speaks of carry the channels of the first output of its call.

        Indices of a pooling or of a largest entry are constant where a channel is dead, not zero.
        Hardly anybody reads them, so they get channels of their own only when somebody does.
        """
        sizes = zip(first.shape, value.shape, strict=False)
        if first.ndim == value.ndim and all(mine in (1, size) for mine, size in sizes):
            self.signals[id(value)] = self.channels.derive([first], fed=True)
        else:
            self.channels.keep(first)

    def stop(self, call: Call, reason: str) -> None:
        """Put on record that a call is a barrier, and where it was made."""
        self.barriers.append(self._barrier(call, reason))

    def _barrier(self, call: Call, reason: str) -> Barrier:
        return Barrier(str(call.func), reason, module_reached(self.network), line_reached())

    def _record(self, call: Call) -> None:
        """Remember what a smaller network must do alike."""
        if (work := work_of(call.full_name, call.args, call.out, self)) is not None:
            self.work.append(work)
        if call.counts:
            # Not ``self.signal``: what stands beside the first output gets none by being recorded.
            outs = tensors_in(call.out)
            results = tuple([Result(one.shape, self.signals.get(id(one))) for one in outs])
            plain = not any(id(one) in self.signals for one in (*outs, *tensors_in(call.args)))
            given = self.wholes.sizes(call) if plain else ()
            self.calls.append(RecordedCall(results, call.numbers, given))

    def keep_all(self, value: Any) -> bool:
        """Keep the channels of every tensor inside a value; tell whether there were any."""
        self._take(value)
        known = self._signals_in(value)
        for signal in known:
            self.channels.keep(signal)
        return bool(known)

    def _signals_in(self, value: Any) -> list[Tensor]:
        found = [self.signal(one) for one in tensors_in(value)]
        return [signal for signal in found if signal is not None]

    def trace(self, passes: tuple[Pass, ...]) -> Trace:
        """Return the trace; parameters that were never used are left to themselves."""
        for one in self.unread.held():  # in an attribute, for whoever asks for it later
            self._keep_for(one.signals, one.barrier)
        if self.questions is not None:
            self.questions.finish(self.calls)
        self.synapses.finish()
        self.barriers += self.wholes.finish(self.channels, self.synapses)
        return Trace(
            channels=self.channels,
            sources=self.synapses.sources,
            targets=self.synapses.targets,
            asleep=tuple(self.synapses.asleep),
            passes=passes,
            barriers=tuple(dict.fromkeys(self.barriers)),
            flow=self.flow,
        )
