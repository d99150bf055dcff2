"""Signals: which channel each element of a tensor carries.

A *signal* is an int64 tensor of channel numbers with as many axes as the tensor that it belongs
to, of size 1 along every axis where the channel does not vary. The output (N, C, H, W) of a
convolution has a signal of shape (1, C, 1, 1); flattened to (N, C * H * W), one of (1, C * H * W)
in which each number stands H * W times.
"""

from __future__ import annotations

import numpy as np
from torch import Tensor


def varying(signal: Tensor) -> tuple[int, ...]:
    """Return the axes along which a signal's channel varies."""
    return tuple(axis for axis, size in enumerate(signal.shape) if size > 1)


def ranked(signal: Tensor, rank: int) -> Tensor:
    """Return a signal with axes of size 1 in front, as broadcasting adds them."""
    return signal.reshape((1,) * (rank - signal.ndim) + tuple(signal.shape))


def narrowed(signal: Tensor) -> Tensor:
    """Return a signal with size 1 along every axis where its channel does not vary."""
    for axis in range(signal.ndim):
        if signal.shape[axis] > 1:
            first = signal.narrow(axis, 0, 1)
            # A stride of 0 is an expanded axis: the same everywhere without a look at the elements.
            if signal.stride(axis) == 0 or bool((signal == first).all()):
                signal = first
    return signal


def sizes_left(signal: Tensor, staying: Tensor) -> tuple[int | None, ...]:
    """Return the lengths of a tensor's axes when only some channels stay.

    An axis keeps a position while any channel at that position stays: a tensor is a rectangle.

    Args:
        signal: of the tensor.
        staying: bool, one entry a channel.

    Returns:
        One length an axis; None for an axis where the signal does not vary, which nothing cuts.
    """
    axes = varying(signal)
    if len(axes) == 1:  # as most do; NumPy is quicker than torch with little
        left = int(np.count_nonzero(staying.numpy()[signal.reshape(-1).numpy()]))
        return tuple(left if at == axes[0] else None for at in range(signal.ndim))
    # bool, shaped like the signal.
    flags = staying[signal]
    sizes: list[int | None] = []
    for axis, size in enumerate(signal.shape):
        others = [at for at in range(signal.ndim) if at != axis]
        some = flags.any(dim=others) if others else flags
        sizes.append(int(some.sum()) if size > 1 else None)
    return tuple(sizes)
