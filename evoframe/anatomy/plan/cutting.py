"""Cutting: what is left of a tensor when slices leave, and where it was in the whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from evoframe.kernel.tensors.rooms import room

Cut = tuple[Tensor | None, ...]
"""The indices that are left along each axis of a tensor; None for an axis that is whole."""


def cut(value: Tensor, how: Cut) -> Tensor:
    """Return the rest of a tensor when slices are cut off."""
    for axis, left in enumerate(how):
        if left is not None:
            value = _selected(value, axis, left)
    return value


def _selected(value: Tensor, axis: int, left: Tensor) -> Tensor:
    """Return the rest of a tensor when slices are cut off along one axis."""
    if axis == 0 or value.dtype != torch.bool or value.device.type != "cpu":
        return value.index_select(axis, left)
    # Of flags, NumPy takes columns four times as fast.
    return torch.from_numpy(value.numpy().take(left.numpy(), axis))


def uncut(value: Tensor, how: Cut, shape: torch.Size) -> Tensor:
    """Return a tensor of the ancestor's shape with zeros where something was cut off."""
    # The last axis first: what goes to its place at the end, as the largest, is rows as they lie.
    for axis in reversed(range(value.ndim)):
        if (left := how[axis]) is not None:
            sizes = (*value.shape[:axis], shape[axis], *value.shape[axis + 1 :])
            value = _zeros(sizes, value).index_copy_(axis, left, value)
    return value


def _zeros(shape: Sequence[int], like: Tensor) -> Tensor:
    """Return zeros of the kind of a tensor, where it is."""
    if like.device.type == "cpu":
        return room(shape, like.dtype, zeros=True)
    return like.new_zeros(shape)


def cuts_on(cuts: Mapping[str, Cut], device: torch.device) -> dict[str, Cut]:
    """Return cuts on a device; what many entries lose is brought there once."""
    if device.type == "cpu":
        return dict(cuts)
    there: dict[int, Tensor] = {}
    for how in cuts.values():
        for left in how:
            if left is not None and id(left) not in there:
                there[id(left)] = left.to(device)
    return {
        name: tuple(None if left is None else there[id(left)] for left in how)
        for name, how in cuts.items()
    }


def shape_cut(shape: torch.Size, how: Cut | None) -> tuple[int, ...]:
    """Return the shape of what is left of a tensor; all of it without a cut."""
    if how is None:
        return tuple(shape)
    sizes = zip(shape, how, strict=True)
    return tuple(size if some is None else len(some) for size, some in sizes)
