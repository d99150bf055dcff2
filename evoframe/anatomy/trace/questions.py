"""Questions: what follows for channels where code asks for values.

What comes of values is one path of several. Channels on which an answer hangs are kept, whatever
has become of them on the way; and where a layer was not met on this path, it may be on another, so
that nothing leaves that it could read there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from torch import Tensor, nn

from evoframe.anatomy.channels.calls import Call, tensors_in
from evoframe.anatomy.channels.channels import Channels
from evoframe.anatomy.channels.signals import varying
from evoframe.anatomy.trace.entries import Entries
from evoframe.anatomy.trace.synapses import Synapses
from evoframe.anatomy.trace.trace import Barrier, RecordedCall
from evoframe.anatomy.trace.values import PACKS, asking_line, conditions


class Asking(Protocol):
    """What is asked of the forward pass that is traced."""

    network: nn.Module
    channels: Channels
    entries: Entries
    synapses: Synapses
    barriers: list[Barrier]
    signals: dict[int, Tensor]

    def signal(self, value: Any) -> Tensor | None:
        """Return the signal of a tensor; None if it carries no channel."""


class Questions:
    """Grows with every call; tensors are known by their ids, so whoever asks keeps them alive."""

    def __init__(self, tracer: Asking) -> None:
        self._tracer = tracer
        self._past: dict[int, dict[int, Tensor]] = {}
        self._made_of: dict[int, set[str]] = {}
        self._met: set[str] = set()
        self._asked: dict[str, Barrier] = {}
        self._noted: list[tuple[str, str, list[Tensor]]] = []

    def follow(self, call: Call) -> None:
        """Remember which channels what comes out was made of."""
        self._keep_noted()
        self._met |= self._entries_in(tensors_in((call.args, call.kwargs)))
        if call.name == PACKS:  # how many sequences have a step comes of their lengths alone
            self._follow(call.out[0], call.args)
            self._follow(call.out[1], call.args[1])
        else:
            self._follow(call.out, (call.args, call.kwargs))

    def _follow(self, made: Any, of: Any) -> None:
        given = tensors_in(of)
        entries = self._entries_in(given)
        past, entering = self._past_of(given), self._carried_by(given)
        for out in tensors_in(made):
            # What carries channels itself is looked at itself; to ask for its signal would read it.
            carries = id(out) in self._tracer.signals
            self._past[id(out)] = past if carries else past | entering
            self._made_of[id(out)] = set() if carries else entries

    def ask(self, func: Any, args: tuple[Any, ...]) -> None:
        """Take note of a question; what hangs on it is kept when the next call is followed."""
        # The first argument of an index is what is looked up in; the condition is what is asked.
        name = func.overloadpacket.__name__
        given = tensors_in(args[1:] if conditions(name, args) else args)
        # Not at once: a tensor that is worked with here would be seen as one of the network.
        self._noted.append((str(func), asking_line(), given))

    def _keep_noted(self) -> None:
        for operation, where, given in self._noted:
            signals = self._past_of(given) | self._carried_by(given)
            for signal in signals.values():
                self._tracer.channels.keep(signal)
            barrier = Barrier(operation, f"values that come of channels are read at {where}")
            if signals:
                self._tracer.barriers.append(barrier)
            self._asked |= dict.fromkeys(self._entries_in(given), barrier)
        self._noted.clear()

    def _entries_in(self, given: Sequence[Tensor]) -> set[str]:
        """Return the names of parameters and buffers of which tensors were made."""
        made = [self._tracer.entries.made(one) for one in given]
        found = {name for one in made if one is not None for name, _ in one.parts}
        return found.union(*(self._made_of.get(id(one), ()) for one in given))

    def _past_of(self, given: Sequence[Tensor]) -> dict[int, Tensor]:
        """Return the signals, by their ids, of which tensors without channels were made."""
        past: dict[int, Tensor] = {}
        for one in given:
            past |= self._past.get(id(one), {})
        return past

    def _carried_by(self, given: Sequence[Tensor]) -> dict[int, Tensor]:
        signals = [self._tracer.signal(one) for one in given]
        return {id(signal): signal for signal in signals if signal is not None}

    def finish(self, calls: Sequence[RecordedCall]) -> None:
        """Keep parameters that were asked for, and what layers could read that were not met."""
        self._keep_noted()
        for name, barrier in self._asked.items():
            ends = self._tracer.synapses.sources, self._tracer.synapses.targets
            held = [one.channels for one in self._tracer.channels.holdings if one.entry == name]
            for some in (*held, *(end[name] for end in ends if name in end)):
                self._tracer.channels.keep(some)
            self._tracer.barriers.append(barrier)
        self._keep_near_unmet(calls)

    def _keep_near_unmet(self, calls: Sequence[RecordedCall]) -> None:
        unmet = {
            name: value
            for name, value in self._tracer.network.named_parameters()
            if name not in self._met and value.ndim > 1 and value.numel()  # those of idle modules
        }
        sizes = {size for value in unmet.values() for size in value.shape if size > 1}
        if not sizes:
            return
        signals = {
            id(r.signal): r.signal for one in calls for r in one.results if r.signal is not None
        }
        for signal in signals.values():
            if any(signal.shape[axis] in sizes for axis in varying(signal)):
                self._tracer.channels.keep(signal)
        reason = "it was not met for the example inputs, and what it reads for others is not known"
        self._tracer.barriers += [Barrier(name, reason) for name in unmet]
