"""Layout of what convolutions give, which the meta device does not tell as other devices do."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


def convolved_as_on_devices(out: Tensor, args: tuple[Any, ...]) -> Tensor:
    """Return the result of a convolution as it lies in memory on the CPU and on CUDA.

    In two dimensions it has its channels innermost if the input has, or the weight. The meta
    device forgets that.

    Args:
        out: what the meta device gave.
        args: the input, the weight, and what else a convolution takes.
    """
    if not out.is_meta or not any(is_channels_last(value) for value in args[:2]):
        return out
    return torch.empty_like(out, memory_format=torch.channels_last)


def is_channels_last(value: Tensor) -> bool:
    """Tell whether a tensor (N, C, H, W) is taken for one with its channels innermost.

    Many tensors with axes of size 1 lie in both ways at once; torch goes by their steps then.
    """
    if value.ndim != 4 or value.stride(1) == 0:
        return False
    sizes, steps, least = value.shape, value.stride(), 0
    for axis in (1, 3, 2, 0):
        if sizes[axis] == 0 or steps[axis] < least:
            return False
        if axis == 0 and least == steps[1]:  # (N, 1, 1, 1) lies in any way
            return False
        least = steps[axis] * max(sizes[axis], 1)
    return True
