"""Work: the calls of a forward pass that multiply and add, with what their sizes depend on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode  # the documented place of this class

from evoframe.anatomy.channels.calls import tensors_in
from evoframe.anatomy.trace.entries import Entries
from evoframe.anatomy.trace.shortcuts import run
from evoframe.anatomy.trace.trace import Operand, Work
from evoframe.costs.flops import FORMULAS, RECURRENT


class Knowing(Protocol):
    """Knows what tensors are."""

    def signal(self, value: Any) -> Tensor | None:
        """Return the signal of a tensor; None if it carries no channel."""

    @property
    def entries(self) -> Entries:
        """Parameters and buffers, and views of them."""


def work_of(name: str, args: tuple[Any, ...], out: Any, knowing: Knowing | None) -> Work | None:
    """Return the work of an operation; None if it neither multiplies nor adds."""
    if name not in FORMULAS:
        return None
    if name == "convolution" and args[6]:
        name = "transposed convolution"
    if name in RECURRENT:
        args, out = _matrices(args), tensors_in(out)[0]
    operands = tuple(_operand(value, knowing) for value in tensors_in(args))
    return Work(name, operands, _operand(out, knowing))


def _matrices(args: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return the weights of a recurrent layer, without its inputs, its states and its biases."""
    # A list of one tensor for each weight, or in a cell one after the other: behind the states.
    lists = [one for one in args if isinstance(one, list | tuple)]
    held = lists[-1] if any(isinstance(one, int) for one in args) else args[2:]
    return tuple(one for one in held if isinstance(one, Tensor) and one.ndim == 2)


def _operand(value: Tensor, knowing: Knowing | None) -> Operand:
    shape = tuple(value.shape)
    if knowing is None:
        return Operand(shape)
    # An entry's sizes follow from its cuts; a signal need not exist for each of its axes.
    if (found := knowing.entries.view(value)) is not None:
        return Operand(shape, entry=found[0], axes=found[1])
    return Operand(shape, knowing.signal(value))


class WorkRecorder(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Sees every ATen call of a network of which nothing else is known."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.work: list[Work] = []

    def __torch_dispatch__(
        self,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        out = run(func, args, kwargs)
        if (work := work_of(func.overloadpacket.__name__, args, out, None)) is not None:
            self.work.append(work)
        return out
