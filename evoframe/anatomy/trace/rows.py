"""Rows: parameters of which several layers take some rows each, as attention over a memory does.

Torch keeps the weights by which queries, keys and values are made below each other in one
parameter. Where they are made of different tensors, each product takes its own rows of it.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor

from evoframe.anatomy.channels.channels import Channels
from evoframe.anatomy.channels.grid import Grid


class Rows(NamedTuple):
    """Some rows of a parameter.

    Attributes:
        name: of the parameter.
        axes: for each axis of the tensor the parameter's.
        start: the first of its rows.
        stop: the one after its last.
    """

    name: str
    axes: tuple[int, ...]
    start: int
    stop: int


class Use(NamedTuple):
    """The rows of one layer, with its channels.

    Attributes:
        rows: which.
        incoming: what they read, (columns,); nothing for a bias.
        outgoing: what they write, one channel a row.
    """

    rows: Rows
    incoming: Tensor | None
    outgoing: Tensor


class UsedRows:
    """The uses of rows, by parameter; it grows with every call of a layer."""

    def __init__(self, channels: Channels) -> None:
        self._channels = channels
        self._uses: dict[str, list[Use]] = {}

    def add(self, rows: Rows, incoming: Tensor | None, outgoing: Tensor) -> None:
        """Remember a use of some rows."""
        self._uses.setdefault(rows.name, []).append(Use(rows, incoming, outgoing))

    def names(self) -> list[str]:
        """Return the names of the parameters of which rows are used."""
        return list(self._uses)

    def pin(self, name: str) -> None:
        """Keep all channels of a parameter."""
        for one in self._uses[name]:
            self._channels.pin(one.outgoing)
            if one.incoming is not None:
                self._channels.pin(one.incoming)

    def overlap(self, name: str) -> bool:
        """Tell whether any row of a parameter is used twice."""
        ordered = sorted(self._uses[name], key=lambda one: one.rows.start)
        pairs = pairwise(ordered)
        return any(one.rows.stop > other.rows.start for one, other in pairs)

    def written(self, name: str, count: int) -> Tensor:
        """Return a channel for each of so many rows; those that nobody uses have some that stay."""
        outgoing = torch.full((count,), -1)
        for one in self._uses[name]:
            outgoing[one.rows.start : one.rows.stop] = one.outgoing
        unused = outgoing < 0
        staying = self._channels.new(int(unused.sum()), fed=True)
        self._channels.keep(staying)
        outgoing[unused] = staying
        self._bind(name, count)
        return outgoing

    def read(self, name: str, count: int, always: Tensor) -> Tensor:
        """Return the channels that so many rows read, (rows, columns), or (1, columns) if alike.

        Args:
            name: of the parameter.
            count: how many rows it has.
            always: a channel that lives always, for rows that nobody uses.
        """
        several = [one for one in self._uses[name] if one.incoming is not None]
        first = several[0].incoming
        assert first is not None
        incoming = always.expand(count, len(first)).clone()
        for one in several:
            assert one.incoming is not None
            incoming[one.rows.start : one.rows.stop] = one.incoming
            if not torch.equal(one.incoming, first):  # a column leaves for all rows at once
                self._channels.ties.append((first, one.incoming))
        return incoming[:1] if bool((incoming == incoming[:1]).all()) else incoming

    def read_together(self, name: str) -> Tensor:
        """Return one channel for each column, which lives while any row's does, (columns,)."""
        several = [one.incoming for one in self._uses[name] if one.incoming is not None]
        return self._channels.derive(several)

    def _bind(self, name: str, count: int) -> None:
        """Let equal parts lose the same rows, as code does that takes a number of parts."""
        uses = sorted(self._uses[name], key=lambda one: one.rows.start)
        sizes = {len(one.outgoing) for one in uses}
        if len(uses) > 1 and len(sizes) == 1 and sum(len(one.outgoing) for one in uses) == count:
            block = torch.stack([one.outgoing for one in uses])
            self._channels.grids.append(Grid(block, fixed=(0,)))
