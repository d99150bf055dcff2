"""Relatives: tensors that may share memory, so that what is written into one is in all of them."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from evoframe.anatomy.channels.calls import SHARES_MEMORY, Call, tensors_in


class Relatives:
    """Grows with every call; tensors are known by their ids, so whoever asks keeps them alive."""

    def __init__(self) -> None:
        self._families: dict[int, list[Tensor]] = {}

    def relate(self, call: Call) -> None:
        """Remember which tensors a call has made relatives: what moves elements makes views."""
        if call.name not in SHARES_MEMORY or not isinstance(call.args[0], Tensor):
            return
        # One list for all views of a storage, shared by its members: joining it is an append.
        family = self._families.setdefault(id(call.args[0]), [call.args[0]])
        for value in tensors_in(call.out):
            family.append(value)
            self._families[id(value)] = family

    def of(self, value: Any) -> list[Tensor]:
        """Return a tensor's relatives and itself; none if it has no relatives."""
        return self._families.get(id(value), [])
