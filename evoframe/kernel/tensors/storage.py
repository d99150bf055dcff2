"""Storage: which memory a tensor lies in."""

from __future__ import annotations

import torch
from torch import Tensor


def storage_of(value: Tensor) -> int:
    """Return the identity of a tensor's memory: views of one memory have the same."""
    if value.layout != torch.strided:  # sparse ones have several storages, and share none
        return -id(value)
    return int(value.untyped_storage()._cdata)  # noqa: SLF001  what memory it is, not where
