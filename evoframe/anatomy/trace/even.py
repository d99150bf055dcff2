"""Even: which tensors without channels are the same along axes, so that nothing need be cut there.

Zeros that sums are gathered in, a row that is repeated for every channel, noise that is drawn: in
a network with fewer channels the same code makes them smaller.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs
import torch
from torch import Tensor

from evoframe.anatomy.channels.calls import COPIES, SHARES_MEMORY, SLICE_BY_SLICE, Call, tensors_in

NOT_KNOWN = float("nan")

FILLED = {
    "zero": 0.0,
    "zeros": 0.0,
    "new_zeros": 0.0,
    "zeros_like": 0.0,
    "ones": 1.0,
    "new_ones": 1.0,
}
"""Operations that make a tensor of one number, with the number."""

DRAWN = frozenset({"rand", "randn", "rand_like", "randn_like", "empty", "new_empty", "empty_like"})
"""Operations that make a tensor in which no place is told from another."""

ELEMENT_BY_ELEMENT = SLICE_BY_SLICE | {"remainder"}
"""Work on each element alone, wherever it stands."""

FULL = frozenset({"fill", "full", "new_full", "full_like", "scalar_tensor"})
"""Operations that are given the number of which they make a tensor."""


OVERWRITES = frozenset({"zero", "fill", "uniform", "normal", "bernoulli", "random"})
"""Operations in place that make every place the same anew."""


@attrs.define(eq=False)
class Filling:
    """What all views of one tensor have in common.

    Attributes:
        value: the number that stands everywhere; NaN if it is not known.
        holds: whether nothing else was written into any of them.
        viewed: whether there are several.
    """

    value: float
    holds: bool = True
    viewed: bool = False


class Even:
    """Grows with every call; tensors are known by their ids, so whoever asks keeps them alive."""

    def __init__(self) -> None:
        self._filled: dict[int, Filling] = {}
        self._axes: dict[int, tuple[int, ...]] = {}

    def along(self, value: Tensor, axis: int) -> bool:
        """Tell whether a tensor is the same at all positions of an axis."""
        if value.shape[axis] == 1 or (value.layout == torch.strided and value.stride(axis) == 0):
            return True
        return self.value(value) is not None or axis in self._axes.get(id(value), ())

    def value(self, value: Any) -> float | None:
        """Return the number that a tensor holds everywhere: NaN if unknown; None if it may not."""
        filling = self._filled.get(id(value))
        return filling.value if filling is not None and filling.holds else None

    def carry(self, call: Call) -> None:
        """Remember what comes out the same along an axis."""
        if not isinstance(out := call.out, Tensor):
            return
        if call.works_in_place:
            self._write(call)
        elif call.name in FILLED or call.name in DRAWN or call.name in FULL:
            self._filled[id(out)] = Filling(_number(call))
        elif call.name == "repeat":
            new = out.ndim - call.args[0].ndim
            self._axes[id(out)] = tuple(
                at for at in range(out.ndim) if at < new or call.args[0].shape[at - new] == 1
            )
        elif call.args and isinstance(call.args[0], Tensor):
            self._follow(call, call.args[0], out)

    def _write(self, call: Call) -> None:
        """Forget what is written over, in all its views."""
        self._axes.pop(id(call.args[0]), None)
        filling = self._filled.get(id(call.args[0]))
        if filling is None or (call.name in OVERWRITES and _number(call) == filling.value):
            return
        if call.name in OVERWRITES and not filling.viewed:
            filling.value = _number(call)
        else:
            filling.holds = False

    def _follow(self, call: Call, value: Tensor, out: Tensor) -> None:
        """Carry on what moves elements, or works on each alone."""
        filling = self._filled.get(id(value))
        if filling is not None and filling.holds and call.name in SHARES_MEMORY:
            filling.viewed = True
            self._filled[id(out)] = filling
        if call.name not in ELEMENT_BY_ELEMENT or len(tensors_in((call.args, call.kwargs))) > 1:
            return
        if filling is not None and filling.holds:
            self._filled[id(out)] = Filling(filling.value if call.name in COPIES else NOT_KNOWN)
        elif axes := _even_axes(value, self._axes.get(id(value), ())):
            self._axes[id(out)] = axes


def _number(call: Call) -> float:
    """Return the number of which a call makes a tensor; NaN if it is not told."""
    if call.name in FULL:
        given = call.args[-1]
        return float(given) if isinstance(given, int | float) else NOT_KNOWN
    return FILLED.get(call.name, NOT_KNOWN)


def _even_axes(value: Tensor, known: Sequence[int]) -> tuple[int, ...]:
    if value.layout != torch.strided:
        return tuple(known)
    return tuple(at for at in range(value.ndim) if at in known or value.stride(at) == 0)
