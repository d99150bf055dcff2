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
    COPIES,
    JOINS_SLICES,
    MOVES_AXES,
    RESHAPES,
    SLICE_BY_SLICE,
    Call,
    tensors_in,
)
from evoframe.anatomy.channels.made import UNKNOWN, Axes, Made


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
    if call.name in ("slice", "narrow", "select"):
        return _part(call, axes)
    if call.name == "index":
        return _looked_up(axes, list(call.args[1]))
    spread = {"expand": _expanded, "repeat": _repeated}.get(call.name)
    return None if spread is None else spread(axes, value.shape, out.shape)


def joined(call: Call, one: Made, other: Made) -> Made | None:
    """Return the entries of the result of two tensors; None where that cannot be told."""
    if call.name not in JOINS_SLICES or call.kwargs:
        return None
    rank, parts = call.out.ndim, []
    for value, made in zip(call.args, (one, other), strict=False):
        new = rank - value.ndim
        for name, axes in made.parts:
            # An axis of size 1 that is spread out shows one slice everywhere.
            known = [
                axis if value.shape[at] == call.out.shape[new + at] else None
                for at, axis in enumerate(axes)
            ]
            parts.append((name, (*[None] * new, *known)))
    rests = [torch.tensor(made.at_rest, dtype=torch.float64) for made in (one, other)]
    value = float(call.func(*rests, *call.args[2:]))
    if math.isnan(value) and not any(math.isnan(made.at_rest) for made in (one, other)):
        value = math.inf  # as zero by zero
    return Made(tuple(dict.fromkeys(parts)), value)


def value_after(call: Call, at_rest: float) -> float:
    """Return the value of a call's output where the slices that it was made of are zero."""
    if call.name == "masked_fill":
        return UNKNOWN
    if call.name not in SLICE_BY_SLICE or call.name in COPIES:
        return at_rest
    if _others(call) and math.isinf(at_rest):
        return at_rest
    if _others(call):  # of which only what is multiplied is known
        return 0.0 if at_rest == 0 and call.name == "mul" else UNKNOWN
    try:
        value = call.func(torch.tensor(at_rest, dtype=torch.float64), *call.args[1:], **call.kwargs)
    except (RuntimeError, TypeError):
        return UNKNOWN
    return math.inf if math.isnan(value) and not math.isnan(at_rest) else float(value)


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


def _part(call: Call, axes: Axes) -> Axes:
    """Return the axes of some positions of one axis, which is the parameter's no more."""
    at = call.argument(1, "dim", 0) % len(axes)
    if call.name == "select":
        return (*axes[:at], *axes[at + 1 :])
    whole = call.out.shape == call.args[0].shape
    return axes if whole else (*axes[:at], None, *axes[at + 1 :])


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


def _expanded(axes: Axes, before: torch.Size, after: torch.Size) -> Axes:
    """Return the axes after some of size 1 were spread out: they show one slice everywhere."""
    new = len(after) - len(axes)
    sizes = zip(axes, before, after[new:], strict=True)
    return (*[None] * new, *[axis if size == now else None for axis, size, now in sizes])


def _repeated(axes: Axes, before: torch.Size, after: torch.Size) -> Axes:
    """Return the axes after copies were put next to each other."""
    return (*[None] * (len(after) - len(before)), *axes)


def _looked_up(axes: Axes, indices: Sequence[Tensor | None]) -> Axes | None:
    """Return the axes after a look-up along the first ones: what it looks up is none of them."""
    along = [index is not None for index in indices]
    # Where axes in between are not indexed, torch decides
    # where the new axes go; that is not followed.
    if not all(along) or any(one is not None and one.dtype == torch.bool for one in indices):
        return None
    rank = max(one.ndim for one in indices if one is not None)
    return (*[None] * rank, *axes[len(indices) :])
