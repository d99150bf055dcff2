"""Zeros: which tensors hold nothing but zeros, whatever goes into the network.

States of recurrent layers mostly begin at zero, and only from there a unit without synapses stays
zero.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor

from evoframe.anatomy.channels.calls import SHARES_MEMORY, Call, tensors_in

MADE = frozenset({"zeros", "new_zeros", "zeros_like"})
"""Give zeros."""

FILLED = {"full": 1, "full_like": 1, "new_full": 2}
"""Give one number everywhere: the argument that says which."""

COPIES = frozenset({"clone", "contiguous", "_to_copy", "repeat", "index_select", "cat", "stack"})
"""Give zeros where they are given nothing else."""


class Zeros:
    """Grows with every call; tensors are known by their ids, so whoever asks keeps them alive."""

    def __init__(self) -> None:
        # One list for all that share memory, of one entry: whether it is zero still.
        self._known: dict[int, list[bool]] = {}

    def __contains__(self, value: Any) -> bool:
        return isinstance(value, Tensor) and self._known.get(id(value), [False])[0]

    def follow(self, call: Call) -> None:
        """Remember the zeros that a call makes, moves or writes into."""
        if call.works_in_place or "out" in call.kwargs:
            for value in tensors_in((call.args, call.kwargs)):
                self._known.get(id(value), [False])[0] = False
        elif call.name in MADE or (
            call.name in FILLED and call.argument(FILLED[call.name], "fill_value") == 0
        ):
            self._know(call.out, [True])
        elif call.name in COPIES:
            given = tensors_in(call.args[0])
            if given and all(value in self for value in given):
                self._know(call.out, [True])
        elif call.name in SHARES_MEMORY and call.args[0] in self:
            self._know(call.out, self._known[id(call.args[0])])

    def _know(self, out: Any, zero: list[bool]) -> None:
        for value in tensors_in(out):
            self._known[id(value)] = zero
