"""Cutting: what is left of a tensor when slices leave, and where it was in the whole."""

from __future__ import annotations

import torch
from torch import Tensor

Cut = tuple[Tensor | None, ...]
"""The indices that are left along each axis of a tensor; None for an axis that is whole."""


def cut(value: Tensor, how: Cut) -> Tensor:
    """Return the rest of a tensor when slices are cut off."""
    for axis, left in enumerate(how):
        if left is not None:
            value = value.index_select(axis, left)
    return value


def uncut(value: Tensor, how: Cut, shape: torch.Size) -> Tensor:
    """Return a tensor of the ancestor's shape with zeros where something was cut off."""
    whole = torch.zeros(shape, dtype=value.dtype, device=value.device)
    axes = [
        torch.arange(size, device=value.device) if left is None else left
        for size, left in zip(shape, how, strict=True)
    ]
    # The outer product of the indices along all axes:
    # position by position of the ancestor's tensor.
    whole[torch.meshgrid(*axes, indexing="ij")] = value
    return whole


def shape_cut(shape: torch.Size, how: Cut | None) -> tuple[int, ...]:
    """Return the shape of what is left of a tensor; all of it without a cut."""
    if how is None:
        return tuple(shape)
    sizes = zip(shape, how, strict=True)
    return tuple(size if some is None else len(some) for size, some in sizes)
