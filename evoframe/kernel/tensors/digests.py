"""Digests: whether values were changed by whoever was only to read them.

Checksums, as quick as memory is read: nobody changes a tensor so that they stay the same by
mistake. Of many bytes first the sums are taken, in as many columns as a prime number says, so that
rows that change places show too.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

Digests = dict[str, tuple[Any, int]]
"""Of each tensor and table, by how to speak of it: its shape and type, and its checksum."""


COLUMNS = 4093
ROW = 8 * COLUMNS
"""Columns of sums of 64-bit words, and the bytes of a row of them."""

FEW = 16 * ROW
"""Bytes up to which nothing is gained by sums."""


def digests(values: Mapping[str, Any]) -> dict[str, Digests]:
    """Return the digests of all tensors and tables inside of each of several values.

    Args:
        values: attrs values, mappings, tuples, tensors and arrays, by how to speak of them.
    """
    known: dict[Any, int] = {}  # parents and what is inherited of them are often the same tensors
    return {
        name: {what: _digest(part, known) for what, part in _parts(name, value)}
        for name, value in values.items()
    }


def changed(before: Digests, after: Digests) -> list[str]:
    """Return the words for all that is another, is gone, or is new."""
    return [what for what in {**before, **after} if before.get(what) != after.get(what)]


def _parts(what: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Tensor | np.ndarray):
        yield what, value
    elif isinstance(value, Mapping):
        for name, one in value.items():
            yield from _parts(f"{what} of {name!r}", one)
    elif isinstance(value, tuple | list):
        for index, one in enumerate(value):
            yield from _parts(f"{what}[{index}]", one)
    elif attrs.has(type(value)):
        for field in attrs.fields(type(value)):
            if field.name.startswith("_"):  # found on the way, and kept for the next who asks
                continue
            yield from _parts(f"{what}, {field.name}", getattr(value, field.name))


def _digest(part: Any, known: dict[Any, int]) -> tuple[Any, int]:
    return (part.dtype, tuple(part.shape)), _checksum(part, known)


def _checksum(value: Any, known: dict[Any, int]) -> int:
    place = _place(value)
    if place not in known:
        known[place] = checksum(_bytes(value))
    return known[place]


def checksum(content: npt.NDArray[np.uint8]) -> int:
    """Return a number that hardly any two contents share."""
    whole = len(content) // ROW * ROW
    if whole < FEW:
        return zlib.crc32(content.data)
    sums = content[:whole].view(np.uint64).reshape(-1, COLUMNS).sum(0)
    return zlib.crc32(content[whole:].data, zlib.crc32(sums.data))


def _place(value: Any) -> Any:
    if isinstance(value, Tensor):
        return value.device, value.data_ptr(), value.dtype, tuple(value.shape), value.stride()
    return value.ctypes.data, value.dtype.str, value.shape, value.strides


def _bytes(value: Any) -> Any:
    if isinstance(value, Tensor):
        value = value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy()
    return np.ascontiguousarray(value).reshape(-1).view(np.uint8)
