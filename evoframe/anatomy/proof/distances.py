"""Distances: how far the numbers of two networks are apart."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

TOLERANCE = 1e-2
"""How far results may be apart, as a share of the largest entry.

Sums in another order stay a hundred times below, and a channel at the wrong place is far above.
"""


NOISE = 1e-2
"""A gradient that is smaller than this share of a network's largest is measured against that.

A bias before batch norm, and a key's in attention, have gradients of zero by algebra, and of some
noise by arithmetic.
"""


def difference(ours: Sequence[Tensor], due: Sequence[Tensor], *, among: bool = False) -> str:
    """Return the difference of two lists of tensors in words; empty if there is none.

    Args:
        ours: what came out.
        due: what should have.
        among: compare with the largest entry of all of them, where one's own is noise beside it.
    """
    sizes = (_largest(_real(one.detach())) for one in due) if among else ()
    largest = max((size for size in sizes if math.isfinite(size)), default=0.0)
    shapes = [[tuple(one.shape) for one in several] for several in (ours, due)]
    if shapes[0] != shapes[1]:
        return f"shapes {shapes[0]} where {shapes[1]} were due"
    for one, other in zip(ours, due, strict=True):
        if (apart := distance(one, other, NOISE * largest)) > TOLERANCE:
            return f"numbers {apart:.1g} of the largest apart"
    return ""


def distance(one: Tensor, other: Tensor, least: float = 0.0) -> float:
    """Return the largest difference of two tensors of one shape, as a share of the largest entry.

    Where one is finite and the other is not, they are infinitely far apart.

    Args:
        one: what came out.
        other: what should have.
        least: what the largest entry is taken for if it is smaller.
    """
    ours, due = (_real(value.detach()) for value in (one, other))
    apart, size = _largest(ours - due), _largest(due)
    if not math.isfinite(apart) or not math.isfinite(size):
        if not torch.equal(ours.isfinite(), due.isfinite()):
            return float("inf")
        inside = due.isfinite()
        apart, size = _largest((ours - due)[inside]), _largest(due[inside])
    return apart / max(size, least, 1e-12)


def doubled(value: Any) -> Any:
    """Return a float tensor in double precision, and all else as it is."""
    floats = isinstance(value, Tensor) and value.is_floating_point()
    return value.double() if floats else value


def _largest(value: Tensor) -> float:
    """Return the largest entry without its sign; not finite if one of them is not."""
    if not value.numel():
        return 0.0
    low, high = torch.aminmax(value)  # a fraction of the time of ``abs().max()``
    return max(-float(low), float(high))


def _real(value: Tensor) -> Tensor:
    """Return a tensor in numbers that can be subtracted from each other."""
    if value.is_complex():
        return torch.view_as_real(value)
    return value if value.dtype in (torch.float32, torch.float64) else value.double()
