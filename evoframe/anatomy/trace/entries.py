"""Entries: which tensors of a forward pass are parameters or buffers, or were made of one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs
from torch import Tensor

from evoframe.anatomy.channels.calls import KEEPS_ENTRY, Call
from evoframe.anatomy.trace.rows import Rows
from evoframe.anatomy.trace.slices import Axes, axes_after


class Entries:
    """Grows with every call; tensors are known by their ids, so whoever asks keeps them alive."""

    def __init__(self, named: Mapping[str, Tensor]) -> None:
        self._whole = {id(value): (name, tuple(range(value.ndim))) for name, value in named.items()}
        self._made_of: dict[int, tuple[str, Axes]] = {}
        self._rows: dict[int, Rows] = {}

    def entry(self, value: Any) -> tuple[str, tuple[int, ...]] | None:
        """Return the entry that a tensor is, with the entry's axis for each of its own."""
        return self._whole.get(id(value)) if isinstance(value, Tensor) else None

    def slices(self, value: Any) -> tuple[str, Axes] | None:
        """Return the entry that a tensor was made of slice by slice, with its axes."""
        found = self.entry(value)
        return found if found is not None else self._made_of.get(id(value))

    def rows(self, value: Any) -> Rows | None:
        """Return the rows of an entry that a tensor is; None if it is something else."""
        return self._rows.get(id(value)) if isinstance(value, Tensor) else None

    def carry(self, call: Call) -> None:
        """Remember what is an entry with its axes moved, and what still has axes of one."""
        self._carry_rows(call)
        call = self._entry_first(call)
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

    def _entry_first(self, call: Call) -> Call:
        """Return the call with what was made of an entry in front, where the order is no matter."""
        known = [self.slices(one) is not None for one in call.args[:2]]
        if call.name in TWO_OPERANDS and known == [False, True]:
            return attrs.evolve(call, args=(call.args[1], call.args[0], *call.args[2:]))
        if call.name in TWO_OPERANDS and known == [True, True]:  # nobody's slices alone
            return attrs.evolve(call, args=())
        return call

    def _carry_rows(self, call: Call) -> None:
        """Remember which tensors are some rows of an entry, with their axes in any order."""
        value = call.args[0] if call.args else None
        if (entry := self.entry(value)) is not None and call.name in TAKES_ROWS:
            for one, start in _taken(call, entry[1]):
                self._rows[id(one)] = Rows(*entry, start, start + one.shape[entry[1].index(0)])
        elif (rows := self.rows(value)) is not None and call.name in KEEPS_ENTRY:
            after = axes_after(call, rows.axes)
            if after is not None and None not in after and len(after) == len(rows.axes):
                axes = tuple(axis for axis in after if axis is not None)
                self._rows[id(call.out)] = rows._replace(axes=axes)


TWO_OPERANDS = frozenset({"add", "sub", "mul", "div", "pow"})
"""Work on each element of two tensors, of which any may be an entry."""

TAKES_ROWS = frozenset({"split", "split_with_sizes", "slice", "narrow"})
"""Take positions that follow each other along one axis."""


def _taken(call: Call, axes: tuple[int, ...]) -> list[tuple[Tensor, int]]:
    """Return the parts of an entry's rows that a call takes, each with its first row; else []."""
    several = call.name.startswith("split")
    axis = call.argument(2 if several else 1, "dim", 0) % len(axes)
    if axes[axis] != 0 or call.argument(4, "step", 1) != 1:
        return []
    if not several:
        start = call.argument(2, "start", 0) or 0
        size = call.args[0].shape[axis]
        return [(call.out, min(max(start + size if start < 0 else start, 0), size))]
    found, start = [], 0
    for one in call.out:
        found.append((one, start))
        start += one.shape[axis]
    return found
