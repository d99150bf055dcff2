"""Bytes of tensors as they lie on disk."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor


def bytes_of(values: Mapping[str, Tensor]) -> int:
    """Return the bytes of all tensors, without headers."""
    return sum(value.numel() * value.element_size() for value in values.values())
