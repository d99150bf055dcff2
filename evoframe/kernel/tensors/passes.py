"""Passes: what goes over every entry of a tensor on a CPU, a part at a time.

A CPU waits for memory longer than for arithmetic. So what is found on the way is as long as a part,
which stays in a cache, and the system is asked for memory once, for the result. Choosing goes by
numbers of places and not by jumps, which a CPU would guess wrong at every other synapse.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from evoframe.kernel.tensors.flags import are_any, how_many
from evoframe.kernel.tensors.rooms import room

PART = 1 << 17
"""Entries of a part: with a few numbers for each, they stay in a cache of a megabyte."""

BITS = {1: torch.int8, 2: torch.int16, 4: torch.int32, 8: torch.int64}
"""Integers by the bytes that they take."""


def parts(size: int) -> Iterator[slice]:
    """Yield the parts of a row of so many entries, in order."""
    for start in range(0, size, PART):
        yield slice(start, min(start + PART, size))


def rows(shape: Sequence[int]) -> Iterator[slice]:
    """Yield slices along the first axis of a shape, of about as many entries as a part has."""
    many = max(1, PART * shape[0] // max(math.prod(shape), 1)) if shape[0] else 1
    for start in range(0, shape[0], many):
        yield slice(start, min(start + many, shape[0]))


def in_a_row(value: Tensor) -> npt.NDArray[Any]:
    """Return the entries of a tensor on the CPU in a row; in the same memory if it is one there."""
    found: npt.NDArray[Any] = value.detach().contiguous().reshape(-1).numpy()
    return found


def copied(value: Tensor) -> Tensor:
    """Return a copy of a tensor, which lies in memory as it does."""
    if value.device.type != "cpu" or not value.is_contiguous():
        return value.detach().clone()
    return room(value.shape, value.dtype).copy_(value.detach())


def masked_copy(value: Tensor, mask: Tensor) -> Tensor:
    """Return a copy with every absent entry at exactly zero, never a negative one."""
    if not _has_bits(value, mask):
        # Not a product: ``-1.0 * False`` is -0.0, and NaN stays NaN; both would show in a digest.
        return torch.where(mask, value, value.new_zeros(()))
    found = room(value.shape, value.dtype)
    # Bits times one or zero: a negative zero and what is no number go, too.
    np.multiply(_bits(value), in_a_row(mask), out=_bits(found))
    return found


def cleared(value: Tensor, mask: Tensor) -> Tensor:
    """Return a tensor with every absent entry at zero: itself, if they are zero already."""
    return value if is_masked(value, mask) else masked_copy(value, mask)


def clear(value: Tensor, mask: Tensor) -> None:
    """Set every absent entry of a tensor to zero, in place."""
    if not _has_bits(value, mask) or not value.is_contiguous():
        value.masked_fill_(~mask, 0)
        return
    bits = _bits(value)
    np.multiply(bits, in_a_row(mask), out=bits)
    torch.autograd.graph.increment_version(value)


def is_masked(value: Tensor, mask: Tensor) -> bool:
    """Tell whether every absent entry is exactly zero already."""
    if not _has_bits(value, mask):
        return False
    if how_many(mask) == mask.numel():
        return True
    bits, present = _bits(value), in_a_row(mask)
    return all(
        np.array_equal(bits[part] * present[part], bits[part]) for part in parts(len(present))
    )


def is_same(value: Tensor, other: Tensor) -> bool:
    """Tell whether two tensors agree in every bit, and in how they lie in memory."""
    if (value.dtype, value.shape, value.stride()) != (other.dtype, other.shape, other.stride()):
        return False
    if value.device != other.device or value.layout != torch.strided:
        return False
    if value.element_size() not in BITS:
        return value is other
    kind = BITS[value.element_size()]
    return torch.equal(value.detach().view(kind), other.detach().view(kind))


def is_within(flags: Tensor, others: Tensor) -> bool:
    """Tell whether no entry is True that is not True in a tensor of the same shape."""
    if flags.device.type != "cpu":
        return not are_any(flags & ~others)
    some, all_of_them = in_a_row(flags), in_a_row(others)
    return not any((some[part] > all_of_them[part]).any() for part in parts(len(some)))


def is_finite(value: Tensor) -> bool:
    """Tell whether all entries are numbers, and none is infinite."""
    # What is no number is the least and the most, wherever it stands.
    return not value.numel() or bool(torch.stack(value.detach().aminmax()).isfinite().all())


def kept(value: Tensor, mask: Tensor) -> Tensor:
    """Return the present entries in a row, on the CPU, those of a mask of the same shape there.

    In the same memory, where nothing is absent.
    """
    if not _has_bits(value, mask):
        return value[mask]
    if (count := how_many(mask)) == mask.numel():
        return value.contiguous().reshape(-1)
    found = room((count,), value.dtype)
    bits, present, row, start = _bits(value), in_a_row(mask), _bits(found), 0
    for part in parts(len(present)):
        some = np.compress(present[part], bits[part])
        row[start : start + len(some)] = some
        start += len(some)
    return found


def unpacked(packed: Tensor, shape: Sequence[int]) -> Tensor:
    """Return the bool mask of a shape whose entries were packed, the first in the highest bit.

    Raises:
        ValueError: there are more bits than that takes, or fewer.
    """
    bits, found = packed.numpy(), room(shape, torch.bool)
    if packed.shape != ((due := -(-found.numel() // 8)),):
        raise ValueError(f"there are {packed.numel()} bytes for a mask that takes {due}")
    row = in_a_row(found)
    for part in parts(len(row)):  # of whole bytes, but for the last
        some = np.unpackbits(bits[part.start // 8 : -(-part.stop // 8)])
        row[part] = some[: part.stop - part.start]
    return found


def largest(value: Tensor, mask: Tensor) -> Tensor:
    """Return the largest magnitude among present entries, on the CPU; -inf if none is present."""
    if not how_many(mask):
        return value.new_full((), -math.inf)
    if not (_has_bits(value, mask) and value.is_floating_point()):
        return value[mask].abs().max()
    # Magnitudes of floats are in the order of their bits as integers, without that of the sign;
    # what is no number is above all of them. A product with zero leaves nothing of the absent.
    bits, present, most = _bits(value), in_a_row(mask), 0
    unsigned = np.iinfo(bits.dtype).max
    for part in parts(len(present)):
        most = max(most, int(np.multiply(bits[part] & unsigned, present[part]).max()))
    return torch.tensor(most, dtype=BITS[value.element_size()]).view(value.dtype)


def filled(found: Tensor, mask: Tensor, following: Callable[[int], npt.NDArray[Any]]) -> Tensor:
    """Return a tensor of zeros on the CPU whose present entries were filled, one after another.

    Args:
        found: what is filled.
        mask: of the same shape, which entries are present.
        following: gives the next so many entries, as integers of their bits.
    """
    whole, present = _bits(found), in_a_row(mask)
    for part in parts(len(present)):
        places = np.flatnonzero(present[part])
        some = following(len(places))
        if len(places) == part.stop - part.start:
            whole[part] = some
        else:
            whole[part][places] = some
    return found


def _has_bits(value: Tensor, mask: Tensor) -> bool:
    """Tell whether the entries of a tensor on the CPU can be read as integers, one by one."""
    plain = value.layout == torch.strided and value.shape == mask.shape
    return plain and value.device.type == "cpu" and value.element_size() in BITS


def _bits(value: Tensor) -> npt.NDArray[Any]:
    """Return the entries in a row as integers; of a contiguous tensor in the same memory."""
    plain = value.detach().contiguous().reshape(-1)
    return plain.view(BITS[value.element_size()]).numpy()
