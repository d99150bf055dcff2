"""Even: which tensors without channels are the same along axes, so that nothing need be cut there.

Zeros that sums are gathered in, a row that is repeated for every channel, noise that is drawn: in
a network with fewer channels the same code makes them smaller.
"""

from __future__ import annotations

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


JOINS = frozenset({"cat", "stack", "repeat", "index_select"})
"""Operations that give elements of what they are given, more or fewer of them."""

OVERWRITES = frozenset({"zero", "fill", "uniform", "normal", "bernoulli", "random"})
"""Operations in place that make every place the same anew."""


@attrs.define(eq=False)
class Filling:
    """What all views of one tensor have in common.

    Attributes:
        value: the number that stands everywhere; NaN if it is not known, None if there are several.
        holds: whether nothing else was written into any of them.
        viewed: whether there are several.
    """

    value: float | None
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
        filling = self._filled.get(id(value))
        if filling is None or not filling.holds:
            return False
        return filling.value is not None or axis in self._axes.get(id(value), ())

    def value(self, value: Any) -> float | None:
        """Return the number that a tensor holds everywhere: NaN if unknown; None if it may not."""
        filling = self._filled.get(id(value))
        return filling.value if filling is not None and filling.holds else None

    def carry(self, call: Call) -> None:
        """Remember what comes out the same along an axis."""
        if call.works_in_place or "out" in call.kwargs:
            for value in tensors_in((call.args[:1], call.kwargs.get("out"))):
                self._write(call, value)
            return
        for value in tensors_in(call.out):  # a number of a tensor that is gone may be given again
            self._filled.pop(id(value), None)
            self._axes.pop(id(value), None)
        first = call.args[0] if call.args else None
        if call.name in SHARES_MEMORY:
            self._share(first, call.out)
        elif isinstance(call.out, Tensor):
            self._make(call, first, call.out)

    def _share(self, value: Any, outs: Any) -> None:
        """Let views of a tensor know what is written into any of them."""
        if (filling := self._filled.get(id(value))) is None or not filling.holds:
            return
        filling.viewed = True
        for one in tensors_in(outs):
            self._filled[id(one)] = filling
            if one.shape == value.shape and one.stride() == value.stride():
                self._axes[id(one)] = self._axes.get(id(value), ())

    def _make(self, call: Call, first: Any, out: Tensor) -> None:
        """Remember a new tensor, if it is the same along an axis."""
        if (number := self._put_together(call)) is not None:
            self._filled[id(out)] = Filling(number)
        elif call.name in FILLED or call.name in DRAWN or call.name in FULL:
            self._filled[id(out)] = Filling(_number(call))
        elif call.name == "repeat":
            new = out.ndim - first.ndim
            axes = [at for at in range(out.ndim) if at < new or first.shape[at - new] == 1]
            self._filled[id(out)], self._axes[id(out)] = Filling(None), tuple(axes)
        elif isinstance(first, Tensor):
            self._follow(call, first, out)

    def _put_together(self, call: Call) -> float | None:
        """Return the number of tensors that are joined or repeated, if all have the same."""
        given = tensors_in(call.args[0]) if call.name in JOINS and call.args else []
        numbers = {self.value(one) for one in given}
        if len(given) > 1 and NOT_KNOWN in numbers:  # each may hold another one
            return None
        return numbers.pop() if len(numbers) == 1 else None

    def _write(self, call: Call, value: Tensor) -> None:
        """Forget what is written over, in all its views."""
        filling = self._filled.get(id(value))
        if filling is None or (call.name in OVERWRITES and _number(call) == filling.value):
            return
        if call.name in OVERWRITES and not filling.viewed:
            filling.value = _number(call)
        else:
            filling.holds = False

    def _follow(self, call: Call, value: Tensor, out: Tensor) -> None:
        """Carry on what works on each element alone."""
        if call.name not in ELEMENT_BY_ELEMENT or len(tensors_in((call.args, call.kwargs))) > 1:
            return
        if (number := self.value(value)) is not None:
            self._filled[id(out)] = Filling(number if call.name in COPIES else NOT_KNOWN)
        elif axes := tuple(at for at in range(value.ndim) if self.along(value, at)):
            self._filled[id(out)], self._axes[id(out)] = Filling(None), axes


def _number(call: Call) -> float:
    """Return the number of which a call makes a tensor; NaN if it is not told."""
    if call.name in FULL:
        given = call.args[-1]
        return float(given) if isinstance(given, int | float) else NOT_KNOWN
    return FILLED.get(call.name, NOT_KNOWN)
