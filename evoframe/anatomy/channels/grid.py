"""Grid: channels in a block that can only lose whole rows, whole columns, and so on.

A view of (N, 12) as (N, 3 heads, 4 dimensions) puts twelve channels into a block of 3 x 4. The code
that follows sees heads and dimensions, so a network can do without a whole head, or without one
dimension of every head, but not without a single channel of the twelve.
"""

from __future__ import annotations

import attrs
import torch
from torch import Tensor


@attrs.frozen(eq=False)
class Grid:
    """Channels in a block that can only lose whole lines along an axis.

    A *line* is all that has one index along one axis: a row of a table is a line of axis 0.

    Attributes:
        channels: int64, at least two axes.
        fixed: axes that cannot lose anything.
        bound: how many of the last columns stand for their whole row: they leave only with it.
        parts: sizes of the parts of axis 1 that each keep a line at least; none if empty.
    """

    channels: Tensor
    fixed: tuple[int, ...] = ()
    parts: tuple[int, ...] = ()
    bound: int = 0

    def filled(self, staying: Tensor) -> Tensor:
        """Return the smallest rectangle around the elements that stay; bool, shaped like the block.

        A line stays if anything in it does, if its axis is fixed, or if it is the first of a part
        that would be empty otherwise. An element stays if its lines along all axes do.

        Args:
            staying: bool, shaped like the block.
        """
        whole = torch.ones_like(staying)
        if self.parts and not bool(staying.any()):  # each part needs a line, so a row has to stay
            staying = staying.clone()
            staying[0, 0] = True
        for axis in self._free_axes(staying):
            whole &= staying.any(dim=self._others(axis), keepdim=True)
        # Without free axes the loop says nothing: then all stays, or nothing does.
        whole &= staying.any()
        if self.bound:
            # Bound columns are no line of their own: they
            # follow their row whatever their column does.
            whole[:, -self.bound :] = staying.any(1, keepdim=True)
        for part in torch.split(whole, list(self.parts), 1) if self.parts else ():
            if not bool(part.any()):
                # An empty part would be a group without inputs
                # or outputs, which torch cannot compute.
                part[:, :1] = whole.any(1, keepdim=True)
        return whole

    def broken(self, gone: Tensor) -> Tensor:
        """Return the elements that go when these go: along one axis only, the one that costs least.

        The dual of :meth:`filled`. A rectangle has as many ways to lose an element as it has free
        axes: its whole row, or its whole column. Any of them would do, so this takes the
        one that takes the fewest others with it. Bound columns leave no choice: they stand for
        their row, so a row without any free element loses them, and a bound element that goes takes
        its row along; only what is left of the block after that has the choice of an axis.

        Args:
            gone: bool, shaped like the block.
        """
        rows = torch.zeros_like(gone)
        if self.bound:
            free, tail = gone[:, : -self.bound], gone[:, -self.bound :]
            rows |= (free.all(1) | tail.any(1))[:, None]
        # ``[:-0]`` would be empty.
        inside = slice(None, -self.bound) if self.bound else slice(None)
        body = (gone | rows)[:, inside]
        ways = []
        for axis in self._free_axes(body):
            hit = body.any(dim=self._others(axis), keepdim=True).expand(body.shape)
            # On equal terms the first axis wins, since ``min`` is stable: the result must not vary.
            ways.append((int(hit.sum()), hit))
        if ways:
            rows[:, inside] |= min(ways, key=lambda way: way[0])[1]
        return rows

    def _free_axes(self, block: Tensor) -> list[int]:
        return [at for at in range(block.ndim) if at not in self.fixed and block.shape[at] > 1]

    def _others(self, axis: int) -> list[int]:
        return [at for at in range(self.channels.ndim) if at != axis]
