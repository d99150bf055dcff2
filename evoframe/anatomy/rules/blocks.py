"""Blocks: channels along several axes, such as heads and their dimensions.

Much of attention mixes the dimensions of a head and leaves heads to themselves: rotary positions,
norms of queries and keys, a softmax over dimensions. There the dimensions stay where they are, and
whole heads leave.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from evoframe.anatomy.channels.grid import Grid
from evoframe.anatomy.channels.signals import varying
from evoframe.anatomy.rules.rule import Tracer
from evoframe.kernel.wiring import Derived


def within(signal: Tensor, axes: Iterable[int]) -> bool:
    """Tell whether channels vary along some of these axes, and along others too."""
    along = set(varying(signal))
    return bool(along & set(axes)) and bool(along - set(axes))


def fix(tracer: Tracer, signal: Tensor, axes: Iterable[int]) -> None:
    """Let no position along these axes leave; what lies along others may."""
    fixed = tuple(axis for axis in varying(signal) if axis in set(axes))
    tracer.channels.grids.append(Grid(signal, fixed=fixed))


def mixed(tracer: Tracer, signal: Tensor, axes: Iterable[int], *, fed: bool = False) -> Tensor:
    """Return the signal of what is computed from all positions along some axes together.

    Args:
        tracer: the forward pass.
        signal: of a block; the axes are some of those that it varies along.
        axes: along which positions are mixed; of size 1 in what is returned.
        fed: what comes out of zeros is not zero.
    """
    some = [axis for axis in varying(signal) if axis in set(axes)]
    others = [axis for axis in range(signal.ndim) if axis not in some]
    moved = signal.permute(*others, *some).flatten(len(others))
    sums = summed(tracer, moved, fed=fed)
    return sums.reshape([1 if axis in some else signal.shape[axis] for axis in range(signal.ndim)])


def summed(tracer: Tracer, rows: Tensor, *, fed: bool) -> Tensor:
    """Return one channel for each different row, which reads all of it; shaped without last axis.

    Rows leave as a whole, and their channels with them.
    """
    channels = tracer.channels
    # Heads are repeated along the batch that attention folds into them: equal rows are one head.
    flat = rows.reshape(-1, rows.shape[-1])
    unique, inverse = torch.unique(flat, dim=0, return_inverse=True)
    sums = channels.new(len(unique), fed=fed)
    channels.steps.append(Derived(sums, tuple(unique.unbind(1)), every=False))
    if len(unique) > 1:  # rows go only as a whole: the block has one more column, of the sums
        channels.grids.append(Grid(torch.cat([unique, sums[:, None]], 1), bound=1))
    return sums[inverse].reshape(rows.shape[:-1])


def bind(tracer: Tracer, block: Tensor, leaders: Tensor) -> None:
    """Let channels that stand for lines of a block leave with their lines.

    Args:
        tracer: the forward pass.
        block: a signal.
        leaders: a signal that varies along one of its axes only.
    """
    (axis,) = varying(leaders)
    rows = block.movedim(axis, 0).flatten(1)
    tracer.channels.grids.append(Grid(torch.cat([rows, leaders.reshape(-1, 1)], 1), bound=1))
