"""Tracer: sees every ATen call of a forward pass and carries signals through it.

The rules carry signals on (:mod:`evoframe.anatomy.channels.signals`), and layers turn them into
wiring. Where no rule can tell, there is a barrier: the channels that enter stay.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode  # the documented place of this class

from evoframe.anatomy.channels.calls import MADE_OF_PARAMETERS, Call, tensors_in
from evoframe.anatomy.channels.channels import Channels
from evoframe.anatomy.channels.signals import narrowed
from evoframe.anatomy.rules import RULES, Signal, Unknown
from evoframe.anatomy.trace.entries import Entries
from evoframe.anatomy.trace.places import line_reached, module_reached
from evoframe.anatomy.trace.relatives import Relatives
from evoframe.anatomy.trace.shortcuts import run
from evoframe.anatomy.trace.synapses import Synapses
from evoframe.anatomy.trace.trace import Barrier, Pass, RecordedCall, Result, Trace, Work
from evoframe.anatomy.trace.work import work_of
from evoframe.anatomy.trace.written import Written
from evoframe.kernel.entries import state_of, tensors_of


class MetaTracer(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Sees every ATen call and carries signals through those it understands."""

    def __init__(
        self, network: nn.Module, evolvable: tuple[str, ...], *, approximate: bool
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
        # What is written over is known before its rule is asked, and forgotten afterwards.
        written = Written.of(self, call) if call.works_in_place else None
        if self._meets_channels(call):
            self._apply(call)
        if written is not None:
            written.spread(self)
        self.entries.carry(call)
        self.relatives.relate(call)
        self._record(call)
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

    def counts_in(self, entry: str, attribute: str, signal: Tensor, axis: int) -> bool:
        """Let an attribute of an entry's module count an axis; tell whether it has it."""
        return self.synapses.counts_in(entry, attribute, signal, axis)

    def counts_here(self, attribute: str, signal: Tensor, axis: int) -> bool:
        """Let an attribute of the module that runs count an axis; tell whether it has it."""
        return self.synapses.counts_of(module_reached(self.network), attribute, signal, axis)

    def layer(self, call: Call, inputs: Tensor, weight: Tensor, bias: Any) -> Tensor | None:
        """Return the output channels of a layer with synapses."""
        if self.signal(bias) is not None:
            raise Unknown("channels enter a layer as its bias")
        return self.synapses.layer(call, inputs, self.signal(inputs), weight, bias)

    def table(self, name: str, axis: int) -> Tensor:
        """Return the channels of the columns of a table whose rows are looked up."""
        return self.synapses.table(name, axis)

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
                self.stop(call, str(unknown))
            for value in tensors_in(call.out):
                if (signal := self.signals.pop(id(value), None)) is not None:  # changed in place
                    self.channels.pin(signal)

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
        place = module_reached(self.network), line_reached()
        self.barriers.append(Barrier(str(call.func), reason, *place))

    def _record(self, call: Call) -> None:
        """Remember what a smaller network must do alike."""
        if (work := work_of(call.full_name, call.args, call.out, self)) is not None:
            self.work.append(work)
        if call.counts:
            # Not ``self.signal``: what stands beside the first output gets none by being recorded.
            outs = tensors_in(call.out)
            results = tuple([Result(one.shape, self.signals.get(id(one))) for one in outs])
            self.calls.append(RecordedCall(results, call.numbers))

    def keep_all(self, value: Any) -> bool:
        """Keep the channels of every tensor inside a value; tell whether there were any."""
        known = self._signals_in(value)
        for signal in known:
            self.channels.keep(signal)
        return bool(known)

    def _signals_in(self, value: Any) -> list[Tensor]:
        found = [self.signal(one) for one in tensors_in(value)]
        return [signal for signal in found if signal is not None]

    def trace(self, passes: tuple[Pass, ...]) -> Trace:
        """Return the trace; parameters that were never used are left to themselves."""
        self.synapses.finish()
        return Trace(
            channels=self.channels,
            sources=self.synapses.sources,
            targets=self.synapses.targets,
            others=tuple(self.synapses.others),
            passes=passes,
            barriers=tuple(dict.fromkeys(self.barriers)),
        )
