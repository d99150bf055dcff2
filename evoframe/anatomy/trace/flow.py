"""Flow: which calls of a forward pass need which, and which modules made them.

Wiring says which channels a synapse joins; whether a module is needed at all is no question of
channels. So beside the signals, each call remembers the calls whose results it was given, and each
run of a module where it began and ended.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import attrs
import torch
from torch import Tensor, nn

from evoframe.anatomy.channels.calls import Call, tensors_in
from evoframe.anatomy.channels.channels import Channels
from evoframe.anatomy.trace.layout import is_channels_last
from evoframe.anatomy.trace.places import line_reached
from evoframe.anatomy.trace.relatives import Relatives
from evoframe.kernel.modules.entries import tensors_of
from evoframe.kernel.wiring import Derived

GIVEN = -1
"""The step that made the inputs of the network."""

NOBODY = -2
"""The step that made what no call has made, as a parameter."""


class Step(NamedTuple):
    """One call.

    Attributes:
        name: of the operation.
        needs: the steps that made what it was given.
        entries: the parameters and buffers that it was given, by their first names.
        signals: of what came out.
        lasts: whether it does something besides giving its results.
    """

    name: str
    needs: frozenset[int]
    entries: tuple[str, ...]
    signals: tuple[Tensor | None, ...]
    lasts: bool


class Seen(NamedTuple):
    """A tensor as a module was given it, or gave it.

    Attributes:
        step: that made it; None for what no call has made, as a parameter.
        shape: its shape.
        kind: its type of numbers.
        identity: its id.
        signal: the channels that it carries, if any.
        last: whether its channels lie last in memory.
    """

    step: int | None
    shape: torch.Size
    kind: torch.dtype
    identity: int
    signal: Tensor | None
    last: bool


class Counts(NamedTuple):
    """How far a forward pass is: its steps, recorded calls and works so far."""

    steps: int
    calls: int
    work: int


BEGINNING = Counts(0, 0, 0)


@attrs.define(eq=False)
class Run:
    """One run of a module.

    Attributes:
        module: its name.
        begin: where it began.
        end: where it ended.
        given: the first tensor of its arguments.
        gave: the first tensor that it gave, if that is what came first.
        several: how many values it gave in a tuple; 0 for a tensor alone.
    """

    module: str
    begin: Counts
    given: Seen | None
    end: Counts = BEGINNING
    gave: Seen | None = None
    several: int = 0


class Addition(NamedTuple):
    """A sum of two tensors, of which at least one carries channels.

    Attributes:
        step: of the call.
        makers: the steps that made its two operands.
        signals: of the operands; None for one that carries no channels.
        derived: which step of the channels it became; -1 if none, or another than a sum of both.
        ways: which operands carry channels, and may be zero without changing the other's sign.
        module: in which it was made.
        line: of the code.
    """

    step: int
    makers: tuple[int, int]
    signals: tuple[Tensor | None, Tensor | None]
    derived: int
    ways: tuple[int, ...]
    module: str
    line: str


class Flow:
    """Grows with every call.

    Attributes:
        steps: all calls.
        runs: all runs of modules, in the order in which they began.
        additions: sums of two tensors of channels.
        outputs: the steps that made what the network gives.
    """

    def __init__(self, network: nn.Module) -> None:
        self.steps: list[Step] = []
        self.runs: list[Run] = []
        self.additions: list[Addition] = []
        self.outputs: set[int] = set()
        self._entries = {id(one): name for name, one in tensors_of(network).items()}
        self._made: dict[int, int] = {}
        self._open: list[Run] = []
        # Tensors are known by their ids, which stay unique only while their objects live.
        self._alive: list[Any] = []

    # --- what runs ----------------------------------------------------------------------------

    def watch(self, network: nn.Module, tracer: Any) -> None:
        """Take note of every module of a network that runs from now on."""
        for name, module in network.named_modules():
            module.register_forward_pre_hook(self._begun(name, tracer), with_kwargs=True)
            module.register_forward_hook(self._ended(tracer))

    def _begun(self, name: str, tracer: Any) -> Any:
        def hook(_: nn.Module, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
            tensors = [one for one in (*args, *kwargs.values()) if isinstance(one, Tensor)]
            if not self._open:
                self._made.update({id(one): GIVEN for one in tensors_in((args, kwargs))})
            self._alive.append(tensors)
            given = self._seen(tensors[0], tracer.signals) if tensors else None
            run = Run(name, self._reached(tracer), given)
            self.runs.append(run)
            self._open.append(run)

        return hook

    def _ended(self, tracer: Any) -> Any:
        def hook(_: nn.Module, __: Any, out: Any) -> None:
            run = self._open.pop()
            run.end = self._reached(tracer)
            self._alive.append(out)
            if type(out) is tuple and out:
                run.several, out = len(out), out[0]
            if isinstance(out, Tensor):
                run.gave = self._seen(out, tracer.signals)

        return hook

    def _reached(self, tracer: Any) -> Counts:
        return Counts(len(self.steps), len(tracer.calls), len(tracer.work))

    def _seen(self, value: Tensor, signals: Mapping[int, Tensor]) -> Seen:
        made, signal = self._made.get(id(value)), signals.get(id(value))
        last = is_channels_last(value)
        return Seen(made, value.shape, value.dtype, id(value), signal, last)

    # --- what is called -----------------------------------------------------------------------

    def adding(self, call: Call, signals: Mapping[int, Tensor], channels: Channels) -> Any:
        """Return a sum as it is before its rule is asked; None if a call is no sum."""
        if call.name not in ("add", "sub") or len(call.args) < 2:
            return None
        operands = call.args[:2]
        if not all(isinstance(one, Tensor) for one in operands):
            return None
        known = tuple([signals.get(id(one)) for one in operands])
        ways = [way for way in (0, 1) if known[way] is not None]
        if call.name == "sub":  # what is subtracted from zero changes its sign
            ways = [way for way in ways if way == 1]
        makers = tuple([self._made.get(id(one), NOBODY) for one in operands])
        return (makers, known, len(channels.steps), tuple(ways)) if ways else None

    def follow(
        self,
        call: Call,
        signals: Mapping[int, Tensor],
        relatives: Relatives,
        adding: Any,
        channels: Channels,
    ) -> None:
        """Take note of a call, and of the sum that it is, if it is one."""
        at, given, outs = (
            len(self.steps),
            tensors_in((call.args, call.kwargs)),
            tensors_in(call.out),
        )
        self._alive.append((call.args, call.kwargs, call.out))
        entries = tuple([self._entries[id(one)] for one in given if id(one) in self._entries])
        changed = [*relatives.of(call.args[0]), call.args[0]] if call.works_in_place else []
        writes = any(id(one) in self._entries for one in changed)
        self.steps.append(
            Step(
                call.full_name,
                frozenset(self._made[id(one)] for one in given if id(one) in self._made),
                entries,
                tuple([signals.get(id(one)) for one in outs]),
                lasts=writes or not outs,
            )
        )
        for one in (*outs, *changed):
            self._made[id(one)] = at
        if adding is not None:
            self._add(adding, channels)

    def _add(self, found: Any, channels: Channels) -> None:
        makers, signals, before, ways = found
        new = channels.steps[before:]
        is_sum = len(new) == 1 and isinstance(new[0], Derived) and not new[0].every
        derived = before if is_sum and len(new[0].parts) == 2 else -1  # type: ignore[union-attr]
        module = self._open[-1].module if self._open else ""
        self.additions.append(
            Addition(len(self.steps) - 1, makers, signals, derived, ways, module, line_reached())
        )

    def finish(self, outputs: Any) -> None:
        """Take note of what the network gives."""
        self.outputs = {self._made[id(one)] for one in tensors_in(outputs) if id(one) in self._made}
