"""Slices: which axes a tensor still has of the parameter that it was computed from.

A layer scale is viewed as (1, C, 1, 1), a table of biases is indexed and permuted, a temperature
goes through ``exp``. What comes out still has one slice for each channel, made of that channel's
slice of the parameter alone, so the parameter can be cut and the code computes the rest.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from evoframe.anatomy.channels.calls import (
    MOVES_AXES,
    RESHAPES,
    SLICE_BY_SLICE,
    Call,
    tensors_in,
)

Axes = tuple[int | None, ...]
"""For each axis of a tensor, the axis of the parameter that it is; None if it is none of them."""


def axes_after(call: Call, axes: Axes) -> Axes | None:
    """Return the axes of a call's output, given those of its first argument.

    Returns:
        None where that cannot be told.
    """
    value, out = call.args[0], call.out
    if call.name in SLICE_BY_SLICE or call.name == "masked_fill":
        return _met(call, axes) if _others(call) else axes
    if call.name in RESHAPES or call.name == "squeeze":
        return _viewed(axes, value.shape, out.shape)
    if call.name in MOVES_AXES:
        return _reordered(call, axes)
    if call.name == "expand":
        # An axis of size 1 that is spread out shows one
        # slice everywhere, so it is none of theirs now.
        known = [
            axis if before == after else None
            for axis, before, after in zip(
                axes, value.shape, out.shape[out.ndim - value.ndim :], strict=True
            )
        ]
        return (*[None] * (out.ndim - value.ndim), *known)
    if call.name == "index":
        return _looked_up(axes, list(call.args[1]))
    return None


def _others(call: Call) -> list[Tensor]:
    return tensors_in([call.args[1:], call.kwargs])


def _met(call: Call, axes: Axes) -> Axes:
    """Return the axes along which what a tensor meets is the same everywhere."""
    value, rank = call.args[0], call.out.ndim
    lag = rank - value.ndim
    found: list[int | None] = [None] * rank
    for at, axis in enumerate(axes, lag):
        sizes = [one.shape[at - rank] for one in _others(call) if one.ndim >= rank - at]
        if all(size == 1 for size in sizes):
            found[at] = axis
    return tuple(found)


def _viewed(axes: Axes, before: torch.Size, after: torch.Size) -> Axes:
    """Return the axes that a view leaves whole: of the same size, with as much behind them."""
    found: list[int | None] = [None] * len(after)
    for at, axis in enumerate(axes):
        behind = math.prod(before[at + 1 :])
        # Size 1 is left out: such axes match anywhere, and are never cut.
        for place, size in enumerate(after):
            if size == before[at] > 1 and math.prod(after[place + 1 :]) == behind:
                found[place] = axis
    return tuple(found)


def _reordered(call: Call, axes: Axes) -> Axes:
    """Return the axes after an operation that moves axes: a tensor of their numbers tells."""
    rank = len(axes)
    # Sizes begin at 2, so that an axis of size 1 in the answer can only be a new one.
    sizes = torch.empty([2 + at for at in range(rank)], device="meta")  # each axis by its size
    moved = call.func(sizes, *call.args[1:], **call.kwargs)
    return tuple(None if size == 1 else axes[size - 2] for size in moved.shape)


def _looked_up(axes: Axes, indices: Sequence[Tensor | None]) -> Axes | None:
    """Return the axes after a look-up along the first ones: what it looks up is none of them."""
    along = [index is not None for index in indices]
    # Where axes in between are not indexed, torch decides
    # where the new axes go; that is not followed.
    if not all(along) or any(one is not None and one.dtype == torch.bool for one in indices):
        return None
    rank = max(one.ndim for one in indices if one is not None)
    return (*[None] * rank, *axes[len(indices) :])
