"""Movement: elements in another shape or order, and their channels with them."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from evoframe.anatomy.channels.calls import MOVES_AXES, RESHAPES, Call
from evoframe.anatomy.channels.grid import Grid
from evoframe.anatomy.channels.signals import narrowed, varying
from evoframe.anatomy.rules.rule import Signal, Tracer, Unknown, required, rule


@rule(
    "view", "_unsafe_view", "reshape", "permute", "transpose", "t", "expand", "unsqueeze",
    "squeeze", "flip", "pixel_shuffle", "pixel_unshuffle", "view_copy", "_reshape_alias", "repeat",
    "rot90", "diagonal", "expand_as", "swapaxes",
)  # fmt: skip
def movement(tracer: Tracer, call: Call) -> Signal:
    """Moves elements: the same operation moves their channels."""
    return moved_alike(tracer, call, call.out)


def moved_alike(tracer: Tracer, call: Call, out: Tensor) -> Tensor:
    """Return the signal of elements that were moved: the same call, made on channel numbers.

    Where channels lie along several axes afterwards, as after a view of (N, C) as (N, heads,
    dimensions), they form a grid: what reads it can do without whole heads or dimensions only.

    Args:
        tracer: the forward pass.
        call: what moves elements.
        out: its result.

    Raises:
        Unknown: the call does not take a tensor of numbers.
    """
    signal = required(tracer.signal(call.args[0]))
    # A single channel stands everywhere, however elements are moved.
    if signal.numel() == 1:
        return signal.reshape((1,) * out.ndim)
    if call.name in RESHAPES and (row := _kept_axis(signal, call.args[0].shape, out.shape)):
        return signal.reshape(row)
    # What only moves axes may move those of size 1 too; all else needs every element's number.
    whole = signal if call.name in MOVES_AXES else signal.expand(call.args[0].shape)
    try:
        # A view of the expanded signal would be refused, since an expanded axis has stride 0.
        if call.name in RESHAPES:
            moved = whole.reshape(out.shape)
        else:
            moved = call.func(whole, *call.args[1:], **call.kwargs)
    except (RuntimeError, NotImplementedError) as error:
        raise Unknown(f"channels cannot follow: {error}") from error
    signal = moved if call.name in MOVES_AXES else narrowed(moved)
    if len(varying(signal)) > 1:
        tracer.channels.grids.append(Grid(signal))
    return signal


def _kept_axis(signal: Tensor, before: torch.Size, after: torch.Size) -> list[int]:
    """Return the shape of a signal along one axis that a view leaves whole; [] if it does not.

    The axis is still whole if one of the same size has as many elements behind it. This spares
    the expansion of a signal to all positions of a large map.
    """
    if len(varying(signal)) != 1:
        return []
    (axis,) = varying(signal)
    for at, size in enumerate(after):
        if size == before[axis] and math.prod(after[at + 1 :]) == math.prod(before[axis + 1 :]):
            return [-1 if other == at else 1 for other in range(len(after))]
    return []
