"""Tracing: which channel each synapse reads and writes, from one forward pass without arithmetic.

The ancestor runs once on the meta device while every dispatched ATen call is seen. A tensor whose
channels are known carries a signal (see :mod:`evoframe.anatomy.channels`); the rules of
:mod:`evoframe.anatomy.operations` carry signals on, and layers turn them into wiring. Where there
is no rule, or a rule cannot tell, there is a barrier: the channels that enter stay.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import attrs
import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils._python_dispatch import TorchDispatchMode  # the documented place of this class

from evoframe.anatomy.channels import Channels, Follower, Grid, narrowed, varying
from evoframe.anatomy.operations import RULES, Call, Signal, Unknown
from evoframe.anatomy.shortcuts import run
from evoframe.anatomy.slices import Axes, axes_after


@attrs.frozen
class Barrier:
    """Where channels are kept because what happens to them is not understood.

    Attributes:
        operation: the ATen operation, the module, or what stopped the survey.
        reason: what it does to channels.
    """

    operation: str
    reason: str


@attrs.frozen(eq=False)
class Trace:
    """What one forward pass has shown.

    Attributes:
        channels: all channels with their ties and grids.
        sources: channel that each synapse reads, by parameter.
        targets: channel that each synapse writes, by parameter.
        others: output channels of layers that do not evolve.
        shapes: for every call that counts, the shape and signal of each tensor that came out.
        numbers: for every call that counts, the numbers that went into arithmetic.
        barriers: where channels are kept, and why.
    """

    channels: Channels
    sources: dict[str, Tensor]
    targets: dict[str, Tensor]
    others: list[Tensor]
    shapes: list[list[tuple[torch.Size, Tensor | None]]]
    numbers: list[tuple[float, ...]]
    barriers: list[Barrier]


@contextmanager
def plain_operations() -> Iterator[None]:
    """Run attention as products and a softmax, not as one fused operation that tells nothing."""
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with torch.no_grad(), sdpa_kernel(SDPBackend.MATH):
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)


def trace(
    twin: nn.Module,
    example_inputs: tuple[Any, ...],
    evolvable: tuple[str, ...],
    *,
    approximate: bool = False,
) -> Trace:
    """Return what a forward pass of a network on the meta device shows.

    Args:
        twin: the network, in evaluation mode, on the meta device.
        example_inputs: its inputs, on the meta device.
        evolvable: names of the parameters whose synapses may evolve.
        approximate: let channels leave that a layer normalises over, which changes what it
            computes for those that stay.
    """
    tracer = _Tracer(twin, evolvable, approximate=approximate)
    try:
        with plain_operations(), tracer:
            outputs = twin(*example_inputs)
        if not tracer.keep_all(_opened(outputs)):
            raise TypeError(  # noqa: TRY301
                f"no channel was found in the output, {type(outputs).__name__}"
            )
    except Exception as error:  # noqa: BLE001  a network may do anything
        # A network that computes on values cannot run on meta: nothing is known, all is kept.
        tracer = _Tracer(twin, evolvable, approximate=approximate)
        reason = f"{type(error).__name__}: {error}"
        tracer.barriers.append(Barrier("the forward pass on the meta device", reason))
    return tracer.trace()


class _Tracer(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Sees every ATen call and carries signals through those it understands."""

    def __init__(
        self, network: nn.Module, evolvable: tuple[str, ...], *, approximate: bool
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.network, self.approximate = network, approximate
        named = [*network.named_parameters(), *network.named_buffers()]
        self.parameters = dict(named)
        self.entries = {id(value): (name, tuple(range(value.ndim))) for name, value in named}
        self.parts: dict[int, tuple[str, Axes]] = {}
        self.evolvable = evolvable
        self.channels = Channels()
        self.signals: dict[int, Tensor] = {}
        self.sources: dict[str, Tensor] = {}
        self.targets: dict[str, Tensor] = {}
        self.others: list[Tensor] = []
        self.used: set[str] = set()
        self.shapes: list[list[tuple[torch.Size, Tensor | None]]] = []
        self.numbers: list[tuple[float, ...]] = []
        self.barriers: list[Barrier] = []
        self.relatives: dict[int, list[Tensor]] = {}
        self.alive: list[Any] = [named]  # ids stay unique only while their objects live

    def __torch_dispatch__(
        self,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        out = run(func, args, kwargs)
        self.alive.append((args, out))
        name = func.overloadpacket.__name__
        changes = name.endswith("_") and not name.endswith("__")
        call = Call(func, name[:-1] if changes else name, args, dict(kwargs or {}), out)
        self._follow_entry(call)
        if changes:
            self._change(call)
        if self._meets_channels(call):
            self._apply(call)
        self._relate(call)
        if name not in UNCOUNTED:
            self.shapes.append([(t.shape, self.signal(t)) for t in tensors_in(out)])
            self.numbers.append(numbers_in(func, args))
        return out

    # --- what rules may ask -----------------------------------------------------------------

    def signal(self, value: Any) -> Tensor | None:
        """Return the signal of a tensor; None if it carries no channel."""
        return self.signals.get(id(value)) if isinstance(value, Tensor) else None

    def entry(self, value: Any) -> tuple[str, tuple[int, ...]] | None:
        """Return which state entry a tensor is, and where its axes come from."""
        return self.entries.get(id(value)) if isinstance(value, Tensor) else None

    def slices(self, value: Any) -> tuple[str, Axes] | None:
        """Return which state entry a tensor was made of slice by slice, and its axes."""
        found = self.entry(value)
        return found if found is not None else self.parts.get(id(value))

    def layer(self, call: Call, inputs: Tensor, weight: Tensor, bias: Any) -> Tensor | None:
        """Return the output channels of a layer with synapses."""
        found = self.entry(weight)
        if found is None:
            raise Unknown("a layer's weights are computed")
        name, axes = found
        convolves = call.name == "convolution"
        groups = int(call.args[8]) if convolves else 1
        transposed = bool(call.args[6]) if convolves else False
        parameter = self.parameters[name]
        out_axis = axes[1] if call.name in ("addmm", "mm") else (1 if transposed else 0)
        axis = 1 if convolves else inputs.ndim - 1
        incoming = self._incoming(inputs, axis)
        count = parameter.shape[out_axis] * (groups if transposed else 1)
        evolves = name in self.evolvable and name not in self.used
        outgoing = self.channels.new(count, fed=not evolves)
        if isinstance(self.network.get_submodule(name.rpartition(".")[0]), nn.MultiheadAttention):
            self.channels.keep(outgoing)
            reason = "nn.MultiheadAttention takes its inner width for its outer one"
            self.barriers.append(Barrier(name, reason))
        ins, outs = _ends(parameter, incoming, outgoing, out_axis, groups, transposed=transposed)
        if groups > 1:
            self._bind_groups(name, incoming, outgoing, groups)
        if name in self.used:
            self._used_again(name, incoming, outgoing)
        elif evolves:
            self.sources[name], self.targets[name] = ins, outs
            self.channels.steps.append(name)
        else:
            self.others.append(outgoing)
            self.channels.mark_read(incoming)
            self._hold_weight(name, ins, outs)
        self.used.add(name)
        self._hold_bias(bias, outgoing)
        return outgoing.reshape([-1 if at == axis else 1 for at in range(call.out.ndim)])

    def follow(self, entry: str, attribute: str, signal: Tensor, axis: int) -> bool:
        """Let an attribute of an entry's module follow an axis; tell whether it has it."""
        owner = entry.rpartition(".")[0]
        if getattr(self.network.get_submodule(owner), attribute, None) != signal.shape[axis]:
            return False
        self.channels.followers.append(Follower(owner, attribute, None, signal, axis))
        return True

    # --- layers -----------------------------------------------------------------------------

    def _incoming(self, inputs: Tensor, axis: int) -> Tensor:
        """Return one channel for each slot of the axis that a layer sums over."""
        signal = self.signal(inputs)
        size = inputs.shape[axis]
        if signal is None:
            channels = self.channels.new(size, fed=True)
            self.channels.keep(channels)
            return channels
        if signal.shape[axis] != size and signal.numel() > 1:
            raise Unknown("a layer sums over an axis without channels")
        if signal.shape[axis] != size:
            self.channels.keep(signal)
            return signal.reshape(-1).expand(size)
        rows = signal.movedim(axis, 0).reshape(size, -1)
        if rows.shape[1] == 1:
            return rows[:, 0]
        return self.channels.derive(list(rows.unbind(1)))

    def _bind_groups(self, name: str, incoming: Tensor, outgoing: Tensor, groups: int) -> None:
        """Let groups go as a whole, or lose the same places in each."""
        ins, outs = incoming.reshape(groups, -1), outgoing.reshape(groups, -1)
        if ins.shape[1] == 1 and outs.shape[1] == 1:
            self.channels.ties.append((ins.reshape(-1), outs.reshape(-1)))
            self.follow(name, "groups", ins, 0)
            return
        fixed = () if self.follow(name, "groups", ins, 0) else (0,)  # else the code holds it
        parts = (ins.shape[1], outs.shape[1])
        self.channels.grids.append(Grid(torch.cat([ins, outs], 1), fixed, parts))

    def _used_again(self, name: str, incoming: Tensor, outgoing: Tensor) -> None:
        """Take a layer that is used again as one whose channels all stay."""
        if name in self.sources:
            for held in (self.sources, self.targets):
                self.channels.pin(held[name])
            rank = self.parameters[name].ndim
            always = self.channels.new(1, fed=True)
            self.channels.keep(always)
            self.sources[name] = always.reshape([1] * rank)
        self.channels.pin(incoming)
        self.channels.pin(outgoing)
        for holding in self.channels.holdings:
            if holding.entry == name:
                self.channels.pin(holding.channels)
        self.barriers.append(Barrier(name, "is used more than once"))

    def _hold_weight(self, name: str, ins: Tensor, outs: Tensor) -> None:
        for signal in (ins, outs):
            if len(varying(signal)) > 1:
                self.channels.keep(signal)
            for axis in varying(signal):
                if len(varying(signal)) == 1:
                    self.channels.hold(name, axis, signal)

    def _hold_bias(self, bias: Any, outgoing: Tensor) -> None:
        if bias is None:
            return
        found = self.entry(bias)
        if found is None or found[0] in self.used:
            self.channels.pin(outgoing)
            return
        self.used.add(found[0])
        self.channels.hold(found[0], 0, outgoing)

    # --- carrying on ------------------------------------------------------------------------

    def _follow_entry(self, call: Call) -> None:
        """Remember what is a parameter with its axes moved, and what still has axes of one."""
        found = self.slices(call.args[0]) if call.args else None
        if found is None or not isinstance(call.out, Tensor):
            return
        name, axes = found
        after = axes_after(call, axes)
        if after is None:
            return
        whole = self.entry(call.args[0]) is not None and None not in after
        if whole and call.name in KEEPING_ALL and call.out.ndim == len(axes):
            self.entries[id(call.out)] = name, tuple(axis for axis in after if axis is not None)
        else:
            self.parts[id(call.out)] = name, after

    def _relate(self, call: Call) -> None:
        """Remember which tensors may share memory: what moves elements makes views."""
        if call.name not in VIEWS or not isinstance(call.args[0], Tensor):
            return
        family = self.relatives.setdefault(id(call.args[0]), [call.args[0]])
        for value in tensors_in(call.out):
            family.append(value)
            self.relatives[id(value)] = family

    def _change(self, call: Call) -> None:
        """Take a tensor that is written through a view as one whose channels all stay."""
        family = self.relatives.get(id(call.args[0]), [])
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
        return call.name in ("convolution", "addmm", "mm", "linear", "embedding")

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
        for value, one in zip(outs, several, strict=False):
            if one is None:
                self.signals.pop(id(value), None)
                continue
            sizes = zip(one.shape, value.shape, strict=True)
            assert all(mine in (1, size) for mine, size in sizes), (call.name, one.shape)
            self.signals[id(value)] = narrowed(one)

    def keep_all(self, value: Any) -> bool:
        """Keep the channels of every tensor inside a value; tell whether there were any."""
        found = [self.signal(one) for one in tensors_in(value)]
        known = [signal for signal in found if signal is not None]
        for signal in known:
            self.channels.keep(signal)
        return bool(known)

    def trace(self) -> Trace:
        """Return what was learned; parameters that were never used are left to themselves."""
        for name in self.evolvable:
            shape = self.parameters[name].shape
            for held, axis in ((self.sources, None), (self.targets, 0)):
                if name not in held:
                    channels = self.channels.new(1 if axis is None else shape[axis], fed=True)
                    self.channels.keep(channels)
                    held[name] = channels.reshape(-1, *[1] * (len(shape) - 1))
            if name not in self.channels.steps:
                self.channels.steps.append(name)
        barriers = list(dict.fromkeys(self.barriers))
        return Trace(
            self.channels,
            self.sources,
            self.targets,
            self.others,
            self.shapes,
            self.numbers,
            barriers,
        )


def _ends(
    parameter: Tensor,
    incoming: Tensor,
    outgoing: Tensor,
    out_axis: int,
    groups: int,
    *,
    transposed: bool,
) -> tuple[Tensor, Tensor]:
    """Return the channels at both ends of every synapse, shaped to broadcast to the weight."""
    tail = [1] * (parameter.ndim - 2)
    if groups == 1:
        in_axis = 1 - out_axis
        shapes = [[1] * parameter.ndim, [1] * parameter.ndim]
        shapes[0][in_axis], shapes[1][out_axis] = -1, -1
        return incoming.reshape(shapes[0]), outgoing.reshape(shapes[1])
    rows = torch.arange(parameter.shape[0]) // (parameter.shape[0] // groups)
    if transposed:  # rows read, columns write within the row's group
        outs = outgoing.reshape(groups, -1)[rows]
        return incoming.reshape(-1, 1, *tail), outs.reshape(*outs.shape, *tail)
    ins = incoming.reshape(groups, -1)[rows]
    return ins.reshape(*ins.shape, *tail), outgoing.reshape(-1, 1, *tail)


def _opened(value: Any, depth: int = 4) -> Any:
    """Return a value in which objects are replaced by what they hold."""
    if (
        depth
        and not isinstance(value, Tensor | Mapping | list | tuple)
        and hasattr(value, "__dict__")
    ):
        return [_opened(item, depth - 1) for item in vars(value).values()]
    if depth and isinstance(value, list | tuple):
        return [_opened(item, depth - 1) for item in value]
    if depth and isinstance(value, Mapping):
        return [_opened(item, depth - 1) for item in value.values()]
    return value


VIEWS = frozenset(
    {
        "view", "_unsafe_view", "reshape", "permute", "transpose", "t", "expand", "unsqueeze",
        "squeeze", "slice", "select", "narrow", "unbind", "split", "split_with_sizes", "detach",
        "alias", "_reshape_alias", "as_strided", "unfold", "diagonal",
    }
)  # fmt: skip
"""Operations whose results share memory with their argument, or may."""

KEEPING_ALL = frozenset({"t", "permute", "transpose", "detach", "alias", "expand"})
"""Operations after which a parameter is still itself, with its axes in another order."""

UNCOUNTED = frozenset({"clone", "alias", "detach", "contiguous", "empty"})
"""Calls that come and go with memory layout, and change nothing."""

ARITHMETIC = frozenset({"mul", "div", "add", "sub", "rsub", "pow", "addcmul", "baddbmm"})


def numbers_in(func: Any, args: tuple[Any, ...]) -> tuple[float, ...]:
    """Return the plain numbers that an arithmetic operation was given; none for all others."""
    if func.overloadpacket.__name__.rstrip("_") not in ARITHMETIC:
        return ()
    return tuple(float(value) for value in args if isinstance(value, int | float))


def tensors_in(value: Any) -> list[Tensor]:
    """Return every tensor inside tuples, lists and mappings, in order."""
    if isinstance(value, Tensor):
        return [value]
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list | tuple):
        return [tensor for item in value for tensor in tensors_in(item)]
    return []
