"""Entries: which tensors of a forward pass are parameters or buffers, or were made of one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from evoframe.anatomy.channels.calls import KEEPS_ENTRY, Call
from evoframe.anatomy.trace.slices import Axes, axes_after


class Entries:
    """Grows with every call; tensors are known by their ids, so whoever asks keeps them alive."""

    def __init__(self, named: Mapping[str, Tensor]) -> None:
        self._whole = {id(value): (name, tuple(range(value.ndim))) for name, value in named.items()}
        self._made_of: dict[int, tuple[str, Axes]] = {}

    def entry(self, value: Any) -> tuple[str, tuple[int, ...]] | None:
        """Return the entry that a tensor is, with the entry's axis for each of its own."""
        return self._whole.get(id(value)) if isinstance(value, Tensor) else None

    def slices(self, value: Any) -> tuple[str, Axes] | None:
        """Return the entry that a tensor was made of slice by slice, with its axes."""
        found = self.entry(value)
        return found if found is not None else self._made_of.get(id(value))

    def carry(self, call: Call) -> None:
        """Remember what is an entry with its axes moved, and what still has axes of one."""
        found = self.slices(call.args[0]) if call.args else None
        if found is None or not isinstance(call.out, Tensor):
            return
        name, axes = found
        after = axes_after(call, axes)
        if after is None:
            return
        # Only what still has all axes of the entry can
        # be a layer's weight, which is cut as a whole.
        whole = self.entry(call.args[0]) is not None and None not in after
        if whole and call.name in KEEPS_ENTRY and call.out.ndim == len(axes):
            self._whole[id(call.out)] = name, tuple(axis for axis in after if axis is not None)
        else:
            self._made_of[id(call.out)] = name, after
