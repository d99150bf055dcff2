"""Rooms: memory for large tensors on a CPU, which is used again when a tensor is gone.

The system gives memory page by page, each when it is first touched, and that takes longer than
filling it. A life makes a dozen tensors of the sizes of its layers, and the next life as many.
"""

from __future__ import annotations

import math
import weakref
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

LARGE = 1 << 20
"""Bytes of a tensor from which its memory is kept."""

MOST = 1 << 30
"""Bytes that are kept at most for tensors to come; what is more goes back to the system."""

ALIGNED = 64
"""Bytes of a line of a cache; torch's own tensors begin at one."""

Memory = npt.NDArray[np.uint8]

_FREE: dict[int, Memory] = {}
"""Memory that is kept, by where it lies; what was given back last is the last."""


def room(shape: Sequence[int], kind: torch.dtype, *, zeros: bool = False) -> Tensor:
    """Return a tensor on the CPU to be filled: of zeros, or of whatever is there."""
    size = math.prod(shape) * kind.itemsize
    if size < LARGE:
        return (torch.zeros if zeros else torch.empty)(tuple(shape), dtype=kind)
    memory = _memory(_rounded(size + ALIGNED))
    start = -memory.ctypes.data % ALIGNED
    # A tensor holds this array for as long as anybody uses its memory.
    mine = memory[start : start + size]
    weakref.finalize(mine, _give_back, memory).atexit = False
    found = torch.from_numpy(mine).view(kind).reshape(tuple(shape))
    return found.zero_() if zeros else found


def kept_bytes() -> int:
    """Return the number of bytes that are kept for tensors to come."""
    return sum(len(memory) for memory in list(_FREE.values()))


def _rounded(size: int) -> int:
    """Return the next of eight sizes to an octave, so that few sizes are many tensors'."""
    step = 1 << max(size.bit_length() - 4, 0)
    return -(-size // step) * step


def _memory(size: int) -> Memory:
    """Return memory of at least so many bytes: of what is kept, the least that is enough.

    What is more than twice as large waits for a tensor that needs it.
    """
    kept = reversed(list(_FREE.items()))
    fitting = [one for one in kept if size <= len(one[1]) <= 2 * size]
    for place, memory in sorted(fitting, key=lambda one: len(one[1])):
        if _FREE.pop(place, None) is not None:
            return memory
    return np.empty(size, dtype=np.uint8)  # NumPy's, because it asks for large pages


def _give_back(memory: Memory) -> None:
    _FREE[memory.ctypes.data] = memory
    while kept_bytes() > MOST:
        _FREE.pop(next(iter(_FREE)), None)
