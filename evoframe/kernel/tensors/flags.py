"""Flags: what masks need of bool tensors, in ways that are quick.

Masks have as many entries as a network has synapses. On a CPU, ``any``, ``all`` and ``sum`` of
bools take ten to eighty times as long as the largest and the smallest of the same bytes, and so
does a conjunction where one side is the same along the last axis.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import torch
from torch import Tensor

from evoframe.kernel.tensors.rooms import room


def any_over(flags: Tensor, axes: Sequence[int]) -> Tensor:
    """Return "any" over some axes, which stay with size 1; bool."""
    if not axes or not flags.numel():
        return flags.any(dim=list(axes), keepdim=True) if axes else flags
    # True is the byte 1, so "any" is the largest and "all" the smallest byte.
    found, rest = flags.contiguous().view(torch.uint8), list(axes)
    if 0 in rest:  # rows against rows first: the quickest way to have less
        found = found.amax(0, keepdim=True)
        rest.remove(0)
    found = found.amax(rest, keepdim=True) if rest else found
    return found.view(torch.bool)


def are_all(flags: Tensor) -> bool:
    """Tell whether every entry is True; so it is of none."""
    return not flags.numel() or bool(flags.contiguous().view(torch.uint8).amin())


def are_any(flags: Tensor) -> bool:
    """Tell whether an entry is True."""
    return bool(flags.numel()) and bool(flags.contiguous().view(torch.uint8).amax())


def how_many(flags: Tensor) -> int:
    """Return the number of entries that are True."""
    if flags.device.type == "cpu":  # several times as quick as torch's own
        return int(np.count_nonzero(flags.numpy()))
    return int(torch.count_nonzero(flags))


def how_many_of(several: Collection[Tensor]) -> int:
    """Return the number of entries that are True in several tensors on one device."""
    return sum(how_many_each(several))


def how_many_each(several: Collection[Tensor]) -> list[int]:
    """Return the number of entries that are True in each of several tensors on one device."""
    if all(flags.device.type == "cpu" for flags in several):
        return [how_many(flags) for flags in several]
    # Read once, because the host waits for the device each time.
    found: list[int] = torch.stack([torch.count_nonzero(flags) for flags in several]).tolist()
    return found


def both(flags: Tensor, other: Tensor) -> Tensor:
    """Return the conjunction of flags with others that broadcast to them.

    These flags themselves, if the others are all True; which a GPU is not asked.
    """
    if other.device.type == "cpu" and are_all(other):
        return flags
    if flags.ndim != other.ndim or flags.ndim < 2 or not flags.numel():
        return flags & other
    if other.shape[0] == 1:  # the same for every row
        other = other.expand(1, *flags.shape[1:]).reshape(1, -1)
    elif other.numel() == len(other):  # the same along every row
        other = other.reshape(-1, 1)
    else:
        return flags & other
    rows = flags.reshape(len(flags), -1)
    on_host = flags.device.type == "cpu"
    least = room(rows.shape, torch.uint8) if on_host else torch.empty_like(rows, dtype=torch.uint8)
    torch.minimum(rows.view(torch.uint8), other.view(torch.uint8), out=least)
    return least.view(torch.bool).reshape(flags.shape)


def any_of_both(flags: Tensor, other: Tensor, axes: Sequence[int]) -> Tensor:
    """Return "any" over some axes of the conjunction with flags that broadcast, a part at a time.

    Parts that fit into a cache never ask the system for memory.
    """
    if flags.numel() <= SMALL or flags.device.type != "cpu":  # parts are for caches of CPUs
        return any_over(flags & other, axes)
    # So many rows have about PART entries.
    rows = max(1, PART * len(flags) // flags.numel())
    parts = [
        any_over(both(part, other if other.shape[0] == 1 else other[start : start + rows]), axes)
        for start, part in zip(range(0, len(flags), rows), torch.split(flags, rows), strict=True)
    ]
    if len(parts) == 1:
        return parts[0]
    return any_over(torch.cat(parts), [0]) if 0 in axes else torch.cat(parts)


SMALL, PART = 1 << 14, 1 << 20
"""Entries up to which nothing is gained, and of which a part has about so many."""
