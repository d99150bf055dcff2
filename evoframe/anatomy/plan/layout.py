"""Layout: how a tensor lies in memory; what is cut off a weight leaves it lying as the whole did.

A view of a transposed weight, or of features in ``channels_last``, is refused by tensors that lie
otherwise, and faster kernels are chosen by it.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def laid_out_like(value: Tensor, whole: Tensor) -> Tensor:
    """Return a value with its axes in the same order in memory as those of another tensor.

    Args:
        value: of any size along each axis; comes back itself if it lies like that.
        whole: with as many axes.
    """
    strides = _strides(whole, value.shape)
    if value.stride() == strides or value.numel() == 0:
        return value
    made = torch.empty_strided(value.shape, strides, dtype=value.dtype, device=value.device)
    return made if made.is_meta else made.copy_(value)


def _strides(whole: Tensor, shape: Sequence[int]) -> tuple[int, ...]:
    """Return the strides of a shape without gaps, its axes in the order of a tensor's."""
    if whole.stride() == _plain_strides(whole.shape):
        return _plain_strides(shape)
    sizes, steps = whole.shape, whole.stride()
    strides, step = [1] * len(shape), 1
    # From the innermost out; where two steps are equal, the axis of size 1 lies further inside.
    for axis in sorted(range(len(shape)), key=lambda at: (steps[at], sizes[at] > 1, -at)):
        strides[axis] = step
        step *= shape[axis]
    return tuple(strides)


def _plain_strides(shape: Sequence[int]) -> tuple[int, ...]:
    strides, step = [], 1
    for size in reversed(shape):
        strides.append(step)
        step *= size
    return tuple(reversed(strides))
