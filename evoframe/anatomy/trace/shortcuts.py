"""Shortcuts: calls on the meta device whose result is plain, without torch's slow references.

On the meta device torch runs many operations through its Python reference implementations, which
cost more than all the rest of a survey. Of what comes out only the shape matters, and of plain
calls (floats of one type, contiguous, sizes that fit) it is known.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves, tree_map_only  # the documented way to map

from evoframe.anatomy.channels.calls import LIKE_THEIR_INPUT
from evoframe.anatomy.trace.layout import convolved_as_on_devices, is_channels_last
from evoframe.anatomy.trace.recurrences import sequences


def run(func: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any] | None) -> Any:
    """Return the result of a dispatched call, by a shortcut if there is one."""
    first = args[0] if args else None
    name = func.overloadpacket.__name__
    # Shortcuts know positional arguments alone; calls with keywords are rare, and left to torch.
    if not kwargs and name in SHORTCUTS and (found := SHORTCUTS[name](*args)) is not None:
        return found
    if isinstance(first, Tensor) and _is_plain(first):
        if name in LIKE_THEIR_INPUT and not (kwargs and "out" in kwargs):
            return like(first)
        # In place, the same object must come back: tensors are told apart by their ids.
        if name[-1] == "_" and name[:-1] in LIKE_THEIR_INPUT:
            return first
    out = asked(func, args, kwargs)
    return convolved_as_on_devices(out, args) if name == "convolution" else out


def asked(func: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any] | None) -> Any:
    """Return the result of a dispatched call, as torch itself gives it."""
    try:
        return func(*args, **(kwargs or {}))
    except RuntimeError:
        # In place on a copy would be lost; for all else the network's own error is the right one.
        if func.overloadpacket.__name__.endswith("_") or not _devices_differ(args):
            raise
        return func(*_on_meta(args), **(kwargs or {}))


def _devices_differ(args: tuple[Any, ...]) -> bool:
    """Tell whether constants that a network's code made elsewhere meet tensors on meta."""
    kinds = {value.is_meta for value in tree_leaves(args) if isinstance(value, Tensor)}
    return len(kinds) > 1


def _on_meta(args: tuple[Any, ...]) -> Any:
    return tree_map_only(Tensor, lambda value: value.to("meta"), args)


def like(value: Tensor) -> Tensor:
    """Return a tensor on the meta device like another one, without contents."""
    # Strides are part of the answer: code asks ``is_contiguous`` and goes another way.
    if value.is_contiguous():  # forty times quicker there than empty_like
        made = torch.empty(value.shape, dtype=value.dtype, device="meta")
        if made.stride() == value.stride():  # steps along axes of size 1 may still differ
            return made
    return torch.empty_like(value, device="meta")


# --- each returns None where torch itself should be asked, for an answer or for its refusal ----


def _is_plain(*values: Any) -> bool:
    """Tell whether all are tensors on the meta device, of the type of the first, a float type."""
    if not all(isinstance(value, Tensor) and value.is_meta for value in values):
        return False
    kind = values[0].dtype
    return kind.is_floating_point and all(value.dtype == kind for value in values)


def _batch_norm(first: Any, *rest: Any) -> Any:
    """Return the output where statistics are given and everything has one entry a channel."""
    weight, bias, mean, variance, is_training = rest[:5]
    if not _is_plain(first) or is_training or mean is None or variance is None or first.ndim < 2:
        return None
    wanted = (first.shape[1],)
    if any(one is not None and one.shape != wanted for one in (weight, bias, mean, variance)):
        return None
    # Saved mean and variance are empty in evaluation, as they are on a CPU; nobody reads them.
    return like(first), first.new_empty(0), first.new_empty(0)


def _addmm(bias: Any, left: Any, right: Any) -> Any:
    if not _is_plain(left, right, bias) or left.ndim != 2 or right.ndim != 2:
        return None
    if left.shape[1] != right.shape[0] or bias.shape != right.shape[1:]:
        return None
    return torch.empty(left.shape[0], right.shape[1], dtype=left.dtype, device="meta")


def _convolution(
    first: Any,
    weight: Any,
    bias: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    transposed: Any,
    _output_padding: Any,
    groups: Any,
) -> Any:
    held = (first, weight) if bias is None else (first, weight, bias)
    if transposed or not _is_plain(*held) or first.ndim != weight.ndim or first.ndim < 3:
        return None
    if any(not one.is_contiguous() or is_channels_last(one) for one in (first, weight)):
        return None
    fits = first.shape[1] == weight.shape[1] * groups and weight.shape[0] % groups == 0
    if not fits or (bias is not None and bias.shape != weight.shape[:1]):
        return None
    kernel = weight.shape[2:]
    if not len(kernel) == len(stride) == len(padding) == len(dilation):
        return None
    # The formula of every convolution; what torch would refuse is left to torch below.
    space = [
        (size + 2 * pad - gap * (width - 1) - 1) // step + 1
        for size, width, step, pad, gap in zip(
            first.shape[2:], kernel, stride, padding, dilation, strict=True
        )
    ]
    if min(*space, *first.shape, *weight.shape, *stride, *dilation) < 1 or min(padding) < 0:
        return None
    shape = (first.shape[0], weight.shape[0], *space)
    return torch.empty(shape, dtype=first.dtype, device="meta")


def _layer_norm(first: Any, shape: Any, weight: Any, bias: Any, _epsilon: float) -> Any:
    over = len(shape)
    held = [one for one in (weight, bias) if one is not None]
    if not _is_plain(first, *held) or not first.is_contiguous() or over < 1:
        return None
    # Indexed by zeros, the leading axes fall away: what is left has to have the norm's shape.
    if any(tuple(one.shape) != tuple(shape) for one in (first[(0,) * (first.ndim - over)], *held)):
        return None
    moments = (*first.shape[: first.ndim - over], *[1] * over)
    return like(first), first.new_empty(moments), first.new_empty(moments)


def _softmax(first: Any, axis: int, half_to_float: bool = False) -> Any:  # noqa: FBT001, FBT002
    # ``half_to_float`` gives another dtype than it is given.
    plain = _is_plain(first) and first.is_contiguous() and not half_to_float
    return like(first) if plain and -first.ndim <= axis < first.ndim else None


def _binary(left: Any, right: Any) -> Any:
    """Return the output of tensors that lie alike in memory, or of a tensor and a number."""
    if isinstance(right, int | float):
        return like(left) if _is_plain(left) else None
    # Broadcast or differently laid out operands have strides by rules too long to repeat here.
    if not _is_plain(left, right) or left.shape != right.shape or left.stride() != right.stride():
        return None
    return like(left)


def _mean(first: Any, axes: Any = None, keepdim: bool = False) -> Any:  # noqa: FBT001, FBT002
    if not _is_plain(first) or not first.is_contiguous() or not isinstance(axes, list) or not axes:
        return None
    if not all(-first.ndim <= axis < first.ndim for axis in axes):
        return None
    over = {axis % first.ndim for axis in axes}
    # An axis named twice is an error, which torch is to report.
    if len(over) < len(axes):
        return None
    sizes = enumerate(first.shape)
    shape = [1 if at in over else n for at, n in sizes if keepdim or at not in over]
    return torch.empty(shape, dtype=first.dtype, device="meta")


def _cat(several: Any, axis: int = 0) -> Any:
    if not several or not _is_plain(*several) or not all(one.is_contiguous() for one in several):
        return None
    first = several[0]
    if first.ndim == 0 or not -first.ndim <= axis < first.ndim:
        return None
    axis %= first.ndim
    # Shapes with the joined axis blanked: they must agree in all the rest.
    others = {(*one.shape[:axis], 0, *one.shape[axis + 1 :]) for one in several if one.ndim > axis}
    if len(others) > 1 or any(one.ndim != first.ndim for one in several):
        return None
    sizes = list(first.shape)
    sizes[axis] = sum(one.shape[axis] for one in several)
    return torch.empty(sizes, dtype=first.dtype, device="meta")


SHORTCUTS: Mapping[str, Callable[..., Any]] = {
    "native_batch_norm": _batch_norm,
    "addmm": _addmm,
    "convolution": _convolution,
    "native_layer_norm": _layer_norm,
    "_softmax": _softmax,
    "_safe_softmax": _softmax,
    "add": _binary,
    "sub": _binary,
    "mul": _binary,
    "div": _binary,
    "mean": _mean,
    "cat": _cat,
    "lstm": partial(sequences, 4),
    "gru": partial(sequences, 3),
    "rnn_tanh": partial(sequences, 1),
    "rnn_relu": partial(sequences, 1),
}
"""Other operations, by name; given the arguments of a call that has only positional ones."""
