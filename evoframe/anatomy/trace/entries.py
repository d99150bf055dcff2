"""Entries: which tensors of a forward pass are parameters or buffers, or were made of some."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import attrs
from torch import Tensor

from evoframe.anatomy.channels.calls import KEEPS_ENTRY, MOVES_AXES, RESHAPES, Call
from evoframe.anatomy.channels.made import UNKNOWN, Axes, Made
from evoframe.anatomy.trace.even import Even
from evoframe.anatomy.trace.rows import Rows
from evoframe.anatomy.trace.slices import axes_after, joined, value_after

ONLY_MOVES = KEEPS_ENTRY | MOVES_AXES | RESHAPES | {"squeeze", "clone", "contiguous"}
"""The elements are still those of the entry, whatever the shape is."""

TWO_OPERANDS = frozenset({"add", "sub", "mul", "div", "pow"})
"""Work on each element of two tensors, of which any may be an entry."""

TAKES_ROWS = frozenset({"split", "split_with_sizes", "slice", "narrow"})
"""Take positions that follow each other along one axis."""


class Entries:
    """Grows with every call; tensors are known by their ids, so whoever asks keeps them alive.

    Attributes:
        even: which tensors are the same everywhere, along some of their axes.
    """

    def __init__(self, named: Mapping[str, Tensor], lasting: Collection[str]) -> None:
        self.even = Even()
        self._shapes = {name: value.shape for name, value in named.items()}
        self._whole = {id(value): (name, tuple(range(value.ndim))) for name, value in named.items()}
        # What a genotype does not hold keeps its value when its channel dies.
        self._at_rest = {name: 0.0 if name in lasting else UNKNOWN for name in named}
        self._made_of: dict[int, Made] = {}
        self._moved: set[int] = set()
        self._rows: dict[int, Rows] = {}

    def entry(self, value: Any) -> tuple[str, tuple[int, ...]] | None:
        """Return the entry that a tensor is, with the entry's axis for each of its own."""
        return self._whole.get(id(value)) if isinstance(value, Tensor) else None

    def made(self, value: Any) -> Made | None:
        """Return the entries of which each slice of a tensor was made; itself, if it is one."""
        if (found := self.entry(value)) is not None:
            name, axes = found
            return Made(((name, axes),), self._at_rest[name])
        return self._made_of.get(id(value))

    def view(self, value: Any) -> tuple[str, Axes] | None:
        """Return the entry of which a tensor shows all, with its axis for each of the tensor's."""
        if (found := self.entry(value)) is not None:
            return found
        return self._made_of[id(value)].parts[0] if id(value) in self._moved else None

    def size(self, entry: str, axis: int) -> int:
        """Return the length of an axis of an entry."""
        return self._shapes[entry][axis]

    def matrix(self, value: Any, first: int) -> tuple[str, tuple[int, ...]] | None:
        """Return the entry that an operation is given as its weight, with its axes in order.

        Args:
            value: the weight: the entry itself, or a view of one that is a matrix.
            first: the axis of the view that is the first of the matrix; the next is the other, and
                along the rest the matrix stands alone or is repeated.
        """
        if (found := self.entry(value)) is not None or id(value) not in self._moved:
            return found
        ((name, axes),) = self._made_of[id(value)].parts
        if None not in (whole := self._with_axes_of_one(name, axes, value)):
            return name, tuple(one for one in whole if one is not None)
        matrix, rest = axes[first : first + 2], (*axes[:first], *axes[first + 2 :])
        others = (at for at in range(len(axes)) if not first <= at < first + 2)
        alone = all(self.even.along(value, at) for at in others)
        if None in matrix or len(matrix) < 2 or not alone or any(one is not None for one in rest):
            return None
        return name, tuple(one for one in matrix if one is not None)

    def _with_axes_of_one(self, name: str, axes: Axes, value: Tensor) -> Axes:
        """Return the axes of a view that lost axes of one position, and got others in their place.

        As where a kernel over one channel is squeezed, and made a convolution's weight again.
        """
        shape = self._shapes[name]
        lost = [at for at in range(len(shape)) if at not in axes]
        new = [at for at, one in enumerate(axes) if one is None]
        sizes = [*(shape[at] for at in lost), *(value.shape[at] for at in new)]
        if len(lost) != len(new) or any(size != 1 for size in sizes):
            return axes
        back = dict(zip(new, lost, strict=True))
        return tuple(back.get(at, one) for at, one in enumerate(axes))

    def rows(self, value: Any) -> Rows | None:
        """Return the rows of an entry that a tensor is; None if it is something else."""
        return self._rows.get(id(value)) if isinstance(value, Tensor) else None

    def carry(self, call: Call) -> None:
        """Remember what is an entry with its axes moved, and what still has axes of some."""
        self.even.carry(call)
        self._carry_rows(call)
        first = call.args[0] if call.args else None
        made, whole = self.made(first), self.entry(first)
        if whole is not None and call.works_in_place:  # what it is at rest hangs on the pass
            self._at_rest[whole[0]] = UNKNOWN
        if not isinstance(call.out, Tensor):
            return
        if (after := self._after(call, made)) is None:
            if call.works_in_place:  # what was written into it is not made of anything known
                self._made_of.pop(id(call.out), None)
                self._moved.discard(id(call.out))
            return
        # Only what still has all axes of the entry can
        # be a layer's weight, which is cut as a whole.
        if whole is not None and call.name in KEEPS_ENTRY and call.out.ndim == len(whole[1]):
            axes = after.parts[0][1]
            if None not in axes:
                self._whole[id(call.out)] = whole[0], tuple(one for one in axes if one is not None)
                return
        self._made_of[id(call.out)] = after
        if call.name in ONLY_MOVES and (whole is not None or id(first) in self._moved):
            self._moved.add(id(call.out))

    def _after(self, call: Call, made: Made | None) -> Made | None:
        """Return the entries that an output is made of; None where that cannot be told."""
        other = self.made(call.args[1]) if len(call.args) > 1 else None
        if made is not None and other is not None:
            return joined(call, made, other)
        if made is None and other is not None and call.name in TWO_OPERANDS:
            turned = attrs.evolve(call, args=(call.args[1], call.args[0], *call.args[2:]))
            found = self._after(turned, other)
            return None if found is None else found._replace(at_rest=UNKNOWN)
        if made is None:
            return None
        parts = []
        for name, axes in made.parts:
            if (after := axes_after(call, axes)) is None:
                return None
            parts.append((name, after))
        return Made(tuple(parts), value_after(call, made.at_rest))

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
