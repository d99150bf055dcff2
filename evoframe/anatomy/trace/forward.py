"""The forward pass that is traced: without arithmetic, and without fused operations."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils._python_dispatch import TorchDispatchMode  # the documented place of this class

from evoframe.anatomy.channels.calls import READS_VALUES, tensors_in
from evoframe.anatomy.trace.recurrences import WholeRecurrences
from evoframe.anatomy.trace.trace import Barrier, Pass, Trace
from evoframe.anatomy.trace.tracer import MetaTracer
from evoframe.anatomy.trace.values import Answer, OneByOne, Recording, answered
from evoframe.anatomy.trace.work import WorkRecorder
from evoframe.kernel.key import untouched
from evoframe.kernel.modules.arguments import Arguments

OPENED = 6
"""How deep objects, lists and mappings are opened to find the tensors of an output."""


@contextmanager
def plain_operations(*, whole: bool = True) -> Iterator[None]:
    """Run attention as products and a softmax, not as one fused operation that tells nothing.

    Warnings are for the person whose network runs, and here nobody's does.

    Args:
        whole: show recurrent layers as one operation each, not step by step.
    """
    # The fast path of ``nn.MultiheadAttention`` is a
    # single operation, and is taken without gradients.
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with (
            torch.no_grad(),
            sdpa_kernel(SDPBackend.MATH),
            warnings.catch_warnings(),
            WholeRecurrences() if whole else nullcontext(),
        ):
            warnings.simplefilter("ignore")
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)


class ReadsValues(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Stops a forward pass whose path may depend on what its tensors hold.

    How many packed sequences there are may be read: it is the length of an axis.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._counts: list[Tensor] = []

    def __torch_dispatch__(
        self,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        reads = func.overloadpacket.__name__ in READS_VALUES
        known = any(args[0] is one for one in self._counts) if args else False
        # Without values torch itself says so, in words that name what the code has called.
        if reads and not known and not any(value.is_meta for value in tensors_in(args)):
            raise RuntimeError(f"{func} makes its path depend on values")
        out = func(*args, **(kwargs or {}))
        if func.overloadpacket is torch.ops.aten._pack_padded_sequence:  # noqa: SLF001
            self._counts.append(out[1])
        elif known and func.overloadpacket is torch.ops.aten.select and args[1:] == (0, 0):
            self._counts.append(out)
        return out


def trace(
    twin: nn.Module,
    example_inputs: Arguments,
    evolvable: tuple[str, ...],
    *,
    approximate: bool = False,
    answers: Sequence[Answer] = (),
    depth: bool = False,
) -> Trace:
    """Return the trace of one forward pass of a network.

    On real tensors code that asks for the device takes the path that it takes in a life. A path
    that depends on values is one of several: the one that the answers say, if there are any.

    Args:
        twin: the network, in evaluation mode, on the meta device or on the CPU.
        example_inputs: its inputs, on the same device.
        evolvable: names of the parameters whose synapses may evolve.
        approximate: let channels leave that a layer normalises over, which changes what it
            computes for those that stay.
        answers: what questions for values are answered, of :func:`answers_of`.
        depth: also take note of which calls need which, to look for blocks.
    """
    tracer = MetaTracer(twin, evolvable, approximate=approximate, asks=bool(answers), depth=depth)
    if tracer.flow is not None:
        tracer.flow.watch(twin, tracer)
    try:
        questions = answered(answers, tracer.asked) if answers else ReadsValues()
        with (
            plain_operations(),
            warnings.catch_warnings(record=True) as said,
            tracer,
            questions,
        ):
            warnings.simplefilter("always")
            outputs = example_inputs.call(twin)
        # What a network gives is read by whoever uses it, so the
        # channels of all outputs stay. If there is no tensor, it may
        # hide in an object of C, and nothing can be relied on.
        found = opened(outputs)
        if not tensors_in(found):
            raise TypeError(  # noqa: TRY301
                f"no tensor was found in the output, {type(outputs).__name__}"
            )
        tracer.keep_all(found)
        if tracer.flow is not None:
            tracer.flow.finish(found)
    except Exception as error:  # noqa: BLE001  a network may do anything
        reason = Barrier("the forward pass on the meta device", f"{type(error).__name__}: {error}")
        return _unknown(twin, example_inputs, evolvable, reason, answers)
    calls, work = tuple(tracer.calls), tuple(tracer.work)
    return tracer.trace(
        (Pass(example_inputs, twin.training, calls, work, bool(said), tuple(answers)),)
    )


def answers_of(network: nn.Module, inputs: Arguments) -> tuple[Answer, ...]:
    """Return the answers that the code of a network gets where it asks for values, on real inputs.

    Args:
        network: on the CPU, in evaluation mode; running it may change its buffers.
        inputs: its inputs.
    """
    recording = Recording()
    try:
        with untouched(), plain_operations(), OneByOne(), recording:
            inputs.call(network)
    except Exception:  # noqa: BLE001  the trace will say why
        return ()
    return tuple(recording.answers)


def _unknown(
    twin: nn.Module,
    example_inputs: Arguments,
    evolvable: tuple[str, ...],
    reason: Barrier,
    answers: Sequence[Answer],
) -> Trace:
    """Return the trace of a network of whose channels nothing is known, so that all are kept.

    What such a network computes can be counted all the same, if only it runs.
    """
    nothing = MetaTracer(twin, evolvable, approximate=False)
    nothing.barriers.append(reason)
    recorder = WorkRecorder()
    try:
        with plain_operations(), recorder, answered(answers):
            example_inputs.call(twin)
    except Exception:  # noqa: BLE001  as above, and this time the reason is on record
        return nothing.trace(())
    work = tuple(recorder.work)
    one = Pass(example_inputs, twin.training, (), work, answers=tuple(answers))
    return nothing.trace((one,))


def opened(value: Any, depth: int = OPENED) -> Any:
    """Return a value in which objects are replaced by what they hold."""
    if not depth or isinstance(value, Tensor):
        return value
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list | tuple | set | frozenset):
        return [opened(item, depth - 1) for item in value]
    if held := _held_by(value):
        return [opened(item, depth - 1) for item in held]
    return value


def _held_by(value: Any) -> list[Any]:
    """Return the values of an object's attributes, with or without a dictionary."""
    slots = [name for kind in type(value).__mro__ for name in _slots_of(kind)]
    held = [getattr(value, name) for name in slots if hasattr(value, name)]
    return [*getattr(value, "__dict__", {}).values(), *held]


def _slots_of(kind: type) -> tuple[str, ...]:
    slots = vars(kind).get("__slots__", ())
    names = (slots,) if isinstance(slots, str) else tuple(slots)
    return tuple(name for name in names if name not in ("__dict__", "__weakref__"))
