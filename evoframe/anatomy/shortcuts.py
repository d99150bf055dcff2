"""Shortcuts: calls on the meta device whose result is plain, without torch's slow references.

On the meta device torch runs many operations through its Python reference implementations, which
cost more than all the rest of a survey. Of an operation on each element only the shape matters.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves, tree_map_only  # the documented way to map

ELEMENTWISE = frozenset(
    {
        "relu", "relu6", "hardtanh", "silu", "gelu", "sigmoid", "hardswish", "hardsigmoid",
        "leaky_relu", "elu", "mish", "tanh", "softplus", "neg", "exp", "sqrt", "rsqrt", "abs",
    }
)  # fmt: skip
"""Operations with one tensor, which give a tensor like it."""


def run(func: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any] | None) -> Any:
    """Return what a dispatched call gives, by a shortcut if there is one."""
    first = args[0] if args else None
    if isinstance(first, Tensor) and first.is_meta and first.is_floating_point():
        name = func.overloadpacket.__name__
        if name in ELEMENTWISE and not (kwargs and "out" in kwargs):
            return torch.empty_like(first)
        if name[-1] == "_" and name[:-1] in ELEMENTWISE:
            return first
        if name == "native_batch_norm" and _is_plain_batch_norm(first, args):
            return torch.empty_like(first), first.new_empty(0), first.new_empty(0)
    try:
        return func(*args, **(kwargs or {}))
    except RuntimeError:
        if func.overloadpacket.__name__.endswith("_") or not _devices_differ(args):
            raise
        return func(*_on_meta(args), **(kwargs or {}))


def _devices_differ(args: tuple[Any, ...]) -> bool:
    """Tell whether constants that a network's code made elsewhere meet tensors on meta."""
    kinds = {value.is_meta for value in tree_leaves(args) if isinstance(value, Tensor)}
    return len(kinds) > 1


def _on_meta(args: tuple[Any, ...]) -> Any:
    return tree_map_only(Tensor, lambda value: value.to("meta"), args)


def _is_plain_batch_norm(first: Tensor, args: tuple[Any, ...]) -> bool:
    """Tell whether the statistics are given and everything has one entry for each channel."""
    weight, bias, mean, variance, is_training = args[1:6]
    if is_training or mean is None or variance is None or first.ndim < 2:
        return False
    wanted = (first.shape[1],)
    return all(one is None or one.shape == wanted for one in (weight, bias, mean, variance))
