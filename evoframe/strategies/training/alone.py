"""Batches of one example, of which batch norm has no variance to learn from."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import TypeVar

import torch
from torch import nn

_Found = TypeVar("_Found")

REFUSED = "Expected more than 1 value per channel when training"
"""How torch begins to say so."""


def unless_alone(network: nn.Module, size: int | None, loss: Callable[[], _Found]) -> _Found | None:
    """The loss of a batch, or None, with a warning, if it is one example and batch norm refuses it.

    Statistics that layers before that norm have taken of it are put back.

    Args:
        network: in training mode.
        size: examples in the batch; None if that cannot be told.
        loss: computes it, or whatever else comes of a forward pass.
    """
    if size is not None and size > 1:
        return loss()
    before = [value.clone() for value in network.buffers()]
    try:
        return loss()
    except ValueError as error:
        if not str(error).startswith(REFUSED):
            raise
    with torch.no_grad():
        for value, held in zip(network.buffers(), before, strict=True):
            value.copy_(held)
    warnings.warn(
        "a training batch of one example is left out, because batch norm needs two. Batches of "
        "another size, or drop_last=True in the loader, avoid it.",
        stacklevel=2,
    )
    return None
