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
from evoframe.costs.flops import FORMULAS, Formula
from evoframe.kernel.modules.entries import state_of, tensors_of

Flags = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.int64]

Slices = tuple[str, int, Tensor]
"""An axis of an entry that can lose slices, by name and number, and the channels of each slice:
(slices,), or (slices, channels) where a slice stays while any of its channels does."""


class Axis(NamedTuple):
    """An axis of a tensor: how long it is, and by which cuts, the last that cuts anything first.

    Attributes:
        whole: in the ancestor.
        cuts: by their numbers in :class:`Cuts`.
    """

    whole: int
    cuts: tuple[int, ...] = ()

    def left(self, lengths: Sequence[int]) -> int:
        """Return its length in a smaller network."""
        return next((lengths[at] for at in self.cuts if lengths[at] < self.whole), self.whole)


class Shape(NamedTuple):
    """A shape in smaller networks.

    Attributes:
        axes: of the tensor.
        entry: the parameter or buffer that it is, if it is one.
        emptied: the same, if the entry was in a block that left.
    """

    axes: tuple[Axis, ...]
    entry: str = ""
    emptied: tuple[int, ...] = ()

    def left(self, lengths: Sequence[int], emptied: Collection[str]) -> tuple[int, ...]:
        """Return the lengths of the axes."""
        if self.entry in emptied:
            return self.emptied
        return tuple([one.left(lengths) if one.cuts else one.whole for one in self.axes])


class Cuts:
    """Channels along axes, each known by a number: how many positions stay with them."""

    def __init__(self) -> None:
        self._known: dict[tuple[Sequence[int], bytes], int] = {}
        self._rows: list[Numbers] = []
        self._several: list[tuple[int, Numbers]] = []
        self._flat: tuple[Numbers, Numbers] | None = None

    def by(self, channels: Tensor) -> int:
        """Return the number of channels along an axis, laid out as those of slices are."""
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
        """Return the number of positions that stay along each axis, by number."""
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


class Product(NamedTuple):
    """A call that multiplies and adds, see :class:`evoframe.anatomy.trace.trace.Work`."""

    formula: Formula
    operands: tuple[Shape, ...]
    result: Shape

    def flops(self, lengths: Sequence[int], emptied: Collection[str]) -> int:
        """Return its FLOPs in a smaller network."""
        operands = [one.left(lengths, emptied) for one in self.operands]
        return self.formula(operands, self.result.left(lengths, emptied))


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
            work: the multiplications and additions of a forward pass; None if nothing is known.
        """
        self._cuts, self._blocks = Cuts(), blocks
        cuts: dict[tuple[str, int], tuple[int, ...]] = {}
        for name, axis, channels in slices:
            cuts[name, axis] = (self._cuts.by(channels), *cuts.get((name, axis), ()))
        self._entries: dict[str, Shape] = {}
        for name, value in tensors_of(body).items():
            axes = [Axis(n, cuts.get((name, at), ())) for at, n in enumerate(value.shape)]
            self._entries[name] = Shape(tuple(axes), name, (0, *value.shape[1:]))
        self._parameters = [name for name, _ in body.named_parameters()]
        self._bytes = {name: one.element_size() for name, one in state_of(body).items()}
        # Of signals, of which many tensors share one; they live as long as the trace.
        self._along: dict[int, tuple[int | None, ...]] = {}
        self._work = None if work is None else [self._product(one) for one in work]

    def costs(self, staying: Tensor) -> dict[str, int]:
        """Return ``parameters``, ``bytes`` and ``flops`` when only some channels stay.

        The last is missing where nothing is known of the forward pass.
        """
        lengths = self._cuts.lengths(staying.numpy())
        without = gone(self._blocks, staying)
        emptied = {name for one in without for name in one.entries}
        sizes = {n: math.prod(one.left(lengths, emptied)) for n, one in self._entries.items()}
        found = {
            "parameters": sum([sizes[name] for name in self._parameters]),
            "bytes": sum([sizes[name] * each for name, each in self._bytes.items()]),
        }
        if self._work is not None:
            # Exact while the smaller network makes the same calls, which its proof made sure of.
            work = work_without(self._work, without)
            found["flops"] = sum([one.flops(lengths, emptied) for one in work])
        return found

    def _product(self, work: Work) -> Product:
        operands = tuple(self._shape(one) for one in work.operands)
        return Product(FORMULAS[work.operation], operands, self._shape(work.result))

    def _shape(self, one: Operand) -> Shape:
        if one.entry:
            return self._of_entry(one)
        if one.signal is None:
            return Shape(tuple(Axis(size) for size in one.shape))
        along = zip(one.shape, self._cuts_of(one.signal), strict=True)
        return Shape(tuple(Axis(size) if at is None else Axis(size, (at,)) for size, at in along))

    def _of_entry(self, one: Operand) -> Shape:
        whole = self._entries[one.entry]
        # An axis that was expanded is not the entry's.
        own = [
            axis if axis is not None and size == whole.axes[axis].whole else None
            for size, axis in zip(one.shape, one.axes, strict=True)
        ]
        pairs = list(zip(one.shape, own, strict=True))
        return Shape(
            tuple(Axis(size) if at is None else whole.axes[at] for size, at in pairs),
            one.entry,
            tuple(size if at is None else whole.emptied[at] for size, at in pairs),
        )

    def _cuts_of(self, signal: Tensor) -> tuple[int | None, ...]:
        """Return the numbers of the channels along each axis; None where they do not vary."""
        if id(signal) not in self._along:
            self._along[id(signal)] = tuple(
                self._cuts.by(signal.movedim(at, 0).reshape(size, -1).squeeze(1))
                if size > 1
                else None
                for at, size in enumerate(signal.shape)
            )
        return self._along[id(signal)]
