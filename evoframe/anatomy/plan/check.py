"""Check: whether a smaller network gives the shapes that its channels predict.

Every operation of a forward pass on the meta device must give the shape that the channels which
stay predict. Code with sizes written into it fails this.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import attrs
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode  # the documented place of this class

from evoframe.anatomy.channels.calls import OF_LAYOUT, lays_out_anew, numbers_in, tensors_in
from evoframe.anatomy.channels.signals import sizes_left
from evoframe.anatomy.trace.forward import plain_operations
from evoframe.anatomy.trace.places import line_of
from evoframe.anatomy.trace.shortcuts import run
from evoframe.anatomy.trace.trace import Pass, RecordedCall
from evoframe.anatomy.trace.values import answered


@attrs.frozen
class Mismatch:
    """Why a forward pass is not as it should be.

    Attributes:
        reason: in words.
        call: the number of the recorded call at which it showed.
        of: the number of the forward pass.
        line: of the network's code that was reached, ``file:number``; "" if it is not told.
    """

    reason: str
    call: int
    of: int = 0
    line: str = ""


def mismatch(
    network: nn.Module, due: Pass, staying: Tensor, calls: Sequence[RecordedCall]
) -> Mismatch | None:
    """Return the first mismatch of a forward pass with its prediction; None if there is none.

    Args:
        network: on the meta device, of the channels that stay.
        due: the ancestor's forward pass.
        staying: the channels that the network has, a bool for each.
        calls: those of the pass that the network makes too.
    """
    watcher = _Watcher(calls, staying)
    try:
        with plain_operations(), watcher, answered(due.answers):
            if not due.warns:  # then a smaller one must not either, as of a size that was written
                warnings.simplefilter("error", UserWarning)
            due.inputs.call(network.train(due.training))
    except Exception as error:  # noqa: BLE001  a network may do anything
        said = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
        # A network's own code may catch what the watcher
        # raised and raise another; the first reason counts.
        return Mismatch(watcher.found or said, watcher.index, line=line_of(error))
    if watcher.index == len(calls):
        return None
    return Mismatch("another number of operations ran", watcher.index)


class _Watcher(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Compares the shape of everything that comes out with the prediction."""

    def __init__(self, due: Sequence[RecordedCall], staying: Tensor) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.due, self.staying = due, staying
        self.index, self.found = 0, ""
        self.sizes: dict[int, tuple[int | None, ...]] = {}

    def __torch_dispatch__(
        self,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        name, only_layout = func.overloadpacket.__name__, lays_out_anew(func, args)
        out = run(func, args, kwargs)
        if name not in OF_LAYOUT and not only_layout:
            if self.index < len(self.due):
                due = self.due[self.index]
                if numbers_in(name, args, kwargs) != due.numbers:
                    self._stop(f"a number in {func} depends on how many channels there are")
                if due.given and tuple([one.shape for one in tensors_in(args)]) != due.given:
                    self._stop(f"what {func} counts depends on how many channels there are")
                self._compare_shapes(func, tensors_in(out), due)
            self.index += 1
        return out

    def _compare_shapes(self, func: Any, outs: list[Tensor], due: RecordedCall) -> None:
        """Stop the forward pass if a shape is not as it should be."""
        # Where no channels are known there is nothing to predict.
        for value, (shape, signal) in zip(outs, due.results, strict=False):
            if signal is not None and tuple(value.shape) != (left := self._left(shape, signal)):
                self._stop(f"{func} gave {tuple(value.shape)} where {left} was due")

    def _stop(self, reason: str) -> None:
        self.found = reason
        raise RuntimeError(reason)

    def _left(self, shape: torch.Size, signal: Tensor) -> tuple[int, ...]:
        # Many results share a signal, and signals live as long as the trace.
        if id(signal) not in self.sizes:
            self.sizes[id(signal)] = sizes_left(signal, self.staying)
        left = self.sizes[id(signal)]
        return tuple(size if some is None else some for size, some in zip(shape, left, strict=True))
