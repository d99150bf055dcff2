"""Counting: costs that follow from how many channels stay, told without growing a network.

Every axis of a weight, and of whatever is multiplied, is as long as some channels are many. Which
ones these are is found once for a plan. A search that asks what thousands of networks would cost
counts flags then, and multiplies.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from torch import Tensor, nn

from evoframe.anatomy.plan.blocks import Block, gone, work_without
from evoframe.anatomy.trace.trace import Operand, Work
from evoframe.costs.flops import FORMULAS
from evoframe.kernel.entries import state_of, tensors_of

Flags = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.int64]

Slices = tuple[str, int, Tensor]
"""An axis of an entry that can lose slices, by name and number, and the channels of each slice:
(slices,), or (slices, channels) where a slice stays while any of its channels does."""

Sizes = tuple[int, ...]
"""A shape, each of whose lengths is the number of an axis in :class:`Axes`."""


class Axes:
    """Axes of all kinds, each known by a number: how long they are when only some channels stay."""

    def __init__(self) -> None:
        self._known: dict[object, int] = {}
        self._rows: list[Numbers] = []
        self._several: list[tuple[int, Numbers]] = []
        self._flat: tuple[Numbers, Numbers] | None = None

    def along(self, channels: Tensor) -> int:
        """Return the number of an axis by its channels, laid out as those of slices are."""
        key = channels.shape, channels.contiguous().numpy().tobytes()
        if key not in self._known:
            at = self._known[key] = len(self._rows)
            rows = channels.numpy()
            self._rows.append(rows if rows.ndim == 1 else rows[:0, 0])
            if rows.ndim > 1:
                self._several.append((at, rows))
            self._flat = None
        return self._known[key]

    def lengths(self, staying: Flags) -> list[int]:
        """Return the lengths of all axes, by their numbers."""
        if self._flat is None:
            ends = np.cumsum([len(one) for one in self._rows], dtype=np.int64)
            self._flat = np.concatenate([np.zeros(0, np.int64), *self._rows]), ends
        flat, ends = self._flat
        # Differences of sums: a sum of parts would take an empty one for its first entry.
        sums = np.concatenate([[0], np.cumsum(staying[flat], dtype=np.int64)])
        found: list[int] = np.diff(sums[ends], prepend=0).tolist()
        for at, rows in self._several:
            found[at] = int(np.count_nonzero(staying[rows].any(1)))
        return found


class Cutting(NamedTuple):
    """An axis of an entry: how long it is, and along which axes it is cut, the last one first."""

    whole: int
    cuts: tuple[int, ...]

    def left(self, lengths: Sequence[int]) -> int:
        """Return how long it still is."""
        return next((lengths[one] for one in self.cuts if lengths[one] < self.whole), self.whole)


class Counting:
    """Costs of networks of a plan by the channels that stay."""

    def __init__(
        self,
        body: nn.Module,
        slices: Iterable[Slices],
        blocks: tuple[Block, ...],
        work: Sequence[Work] | None,
    ) -> None:
        """Find out which channels each length follows.

        Args:
            body: the ancestor's module on the meta device.
            slices: of all entries; of several along one axis the last that loses any counts.
            blocks: branches that may leave as a whole.
            work: the multiplications and additions of a forward pass; None if they are not known.
        """
        self._axes, self._blocks, self._work = Axes(), blocks, work
        self._shapes = {name: tuple(one.shape) for name, one in tensors_of(body).items()}
        cuts: dict[tuple[str, int], tuple[int, ...]] = {}
        for name, axis, channels in slices:
            cuts[name, axis] = (self._axes.along(channels), *cuts.get((name, axis), ()))
        self._entries = {
            name: tuple(Cutting(size, cuts.get((name, at), ())) for at, size in enumerate(shape))
            for name, shape in self._shapes.items()
        }
        self._parameters = [name for name, _ in body.named_parameters()]
        self._bytes = {name: one.element_size() for name, one in state_of(body).items()}
        # By signal, of which many tensors have the same; they live as long as the trace.
        self._along: dict[int, tuple[int | None, ...]] = {}
        for one in work or ():
            for operand in (*one.operands, one.result):
                if operand.signal is not None and id(operand.signal) not in self._along:
                    self._along[id(operand.signal)] = self._axes_of(operand.signal)

    def costs(self, staying: Tensor) -> dict[str, int]:
        """Return ``parameters``, ``bytes`` and ``flops`` when only some channels stay."""
        lengths = self._axes.lengths(staying.numpy())
        without = gone(self._blocks, staying)
        emptied = {name for one in without for name in one.entries}
        sizes = {n: math.prod(self._entry(n, lengths, emptied)) for n in self._entries}
        found = {
            "parameters": sum(sizes[name] for name in self._parameters),
            "bytes": sum(sizes[name] * each for name, each in self._bytes.items()),
        }
        if self._work is not None:
            work = work_without(self._work, without)
            found["flops"] = sum(self._flops(one, lengths, emptied) for one in work)
        return found

    def _axes_of(self, signal: Tensor) -> tuple[int | None, ...]:
        """Return the axes along which a signal varies, by their numbers."""
        return tuple(
            self._axes.along(signal.movedim(at, 0).reshape(size, -1).squeeze(1))
            if size > 1
            else None
            for at, size in enumerate(signal.shape)
        )

    def _flops(self, work: Work, lengths: Sequence[int], emptied: Collection[str]) -> int:
        # Exact while the smaller network makes the same calls, which its proof made sure of.
        operands = [self._shape(one, lengths, emptied) for one in work.operands]
        return FORMULAS[work.operation](operands, self._shape(work.result, lengths, emptied))

    def _shape(
        self, one: Operand, lengths: Sequence[int], emptied: Collection[str]
    ) -> tuple[int, ...]:
        if one.entry:
            whole, left = self._shapes[one.entry], self._entry(one.entry, lengths, emptied)
            return tuple(  # an axis that was expanded is not the entry's
                left[axis] if axis is not None and size == whole[axis] else size
                for size, axis in zip(one.shape, one.axes, strict=True)
            )
        if one.signal is None:
            return tuple(one.shape)
        along = zip(one.shape, self._along[id(one.signal)], strict=True)
        return tuple(size if at is None else lengths[at] for size, at in along)

    def _entry(
        self, name: str, lengths: Sequence[int], emptied: Collection[str]
    ) -> tuple[int, ...]:
        """Return the shape of what is left of a parameter or buffer."""
        if name in emptied:
            return (0, *self._shapes[name][1:])
        return tuple(one.left(lengths) for one in self._entries[name])
