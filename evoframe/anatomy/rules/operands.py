"""Operands without channels of their own: what must hold of them where channels meet them."""

from __future__ import annotations

import math
from typing import Any, NoReturn

from torch import Tensor

from evoframe.anatomy.channels.made import UNKNOWN, Axes
from evoframe.anatomy.channels.signals import varying
from evoframe.anatomy.rules.blocks import fix, within
from evoframe.anatomy.rules.rule import Tracer, Unknown


def never_dead(tracer: Tracer, signal: Tensor, reason: str) -> NoReturn:
    """Let channels live for ever which code cannot compute with where they are dead.

    Channels that are merely kept may still die: then their biases and slices are zero.

    Raises:
        Unknown: the reason.
    """
    tracer.channels.fed.append(signal.reshape(-1))
    tracer.channels.mark_read(signal)  # the barrier keeps them
    raise Unknown(reason)


def may_be_zero(tracer: Tracer, signal: Tensor) -> bool:
    """Tell whether channels are zero where they are dead; what something else feeds is not."""
    return not bool(tracer.channels.flags(tracer.channels.fed)[signal].all())


def spreads(tracer: Tracer, constant: Tensor, signal: Tensor) -> bool:
    """Tell whether a tensor is the same along all axes where the signal varies."""
    # Broadcasting aligns from the last axis, and a
    # constant may even have more axes than the signal.
    offset = constant.ndim - signal.ndim
    return all(
        axis + offset < 0 or tracer.entries.even.along(constant, axis + offset)
        for axis in varying(signal)
    )


def require_spread(tracer: Tracer, constant: Tensor, signal: Tensor) -> None:
    """Refuse a tensor with an element for each channel: a smaller network could not cut it.

    Raises:
        Unknown: it has.
    """
    if not spreads(tracer, constant, signal):
        raise Unknown("a computed tensor has one element for each channel")


def admit(tracer: Tracer, constant: Any, signal: Tensor) -> float:
    """Let something without channels meet channels; return its value where they are dead.

    Args:
        tracer: the forward pass.
        constant: a number or a tensor, broadcast against the channels.
        signal: of the channels.

    Returns:
        The value; NaN where that cannot be told.

    Raises:
        Unknown: it is computed, with one element for each channel.
    """
    if not isinstance(constant, Tensor):
        return float(constant) if isinstance(constant, int | float) else UNKNOWN
    if spreads(tracer, constant, signal):
        value = tracer.entries.even.value(constant)
        return UNKNOWN if value is None else value
    return hold(tracer, constant, signal)


def hold(tracer: Tracer, value: Any, signal: Tensor) -> float:
    """Let parameters and buffers with one slice for each channel follow the channels.

    Args:
        tracer: the forward pass.
        value: a tensor that meets channels; broadcast, so its axes are the signal's last ones.
        signal: of the channels.

    Returns:
        The value where their slices are zero, as those of dead channels are; NaN where that
        cannot be told.

    Raises:
        Unknown: it is computed from something else, or one axis of it is not the channels'.
    """
    lag, even = signal.ndim - value.ndim, tracer.entries.even
    # Along other axes it is the same for all channels, so there is nothing to cut.
    met = [axis for axis in varying(signal) if axis >= lag and not even.along(value, axis - lag)]
    if within(signal, met):
        fix(tracer, signal, met)  # as angles vary along the dimensions of heads, and not with heads
        return UNKNOWN
    made = tracer.entries.made(value)
    if made is None:
        raise Unknown("a computed tensor has one element for each channel")
    at_rest = made.at_rest
    for axis in met:
        # A slice along one of several axes belongs to
        # many channels, and a holding names one for each.
        if len(varying(signal)) > 1:
            raise Unknown("a parameter meets channels along several axes")
        if not _hold_parts(tracer, made.parts, axis - lag, signal.reshape(-1)):
            at_rest = UNKNOWN  # some of it is there whatever becomes of the channels
    if math.isinf(at_rest):
        never_dead(tracer, signal, "what meets channels is not finite where its parameter is zero")
    return at_rest


def hold_all(tracer: Tracer, value: Tensor, signal: Tensor) -> float:
    """Let the parameters or statistics of a norm, (C,), follow its channels.

    Returns:
        Their value where the channels are dead; NaN where that cannot be told.

    Raises:
        Unknown: they are computed from something else.
    """
    if signal.numel() == 1 < value.shape[0]:
        raise Unknown("a normalisation has several parameters for one channel")
    made = tracer.entries.made(value)
    if made is None:
        raise Unknown("a normalisation has computed parameters")
    whole = _hold_parts(tracer, made.parts, 0, signal.reshape(-1))
    return made.at_rest if whole else UNKNOWN


def _hold_parts(
    tracer: Tracer, parts: tuple[tuple[str, Axes], ...], at: int, channels: Tensor
) -> bool:
    """Let the slices of entries along an axis follow channels; tell whether all have slices there.

    Raises:
        Unknown: none has.
    """
    held = [(entry, axes[at]) for entry, axes in parts if axes[at] is not None]
    if not held:
        raise Unknown("a computed tensor has one element for each channel")
    for entry, own in held:
        assert own is not None
        tracer.channels.hold(entry, own, _for_each_slice(tracer, entry, own, channels))
    return len(held) == len(parts)


def _for_each_slice(tracer: Tracer, entry: str, axis: int, channels: Tensor) -> Tensor:
    """Return the channel of each slice of an entry, where slices may be repeated.

    Raises:
        Unknown: a slice belongs to several channels.
    """
    size = tracer.entries.size(entry, axis)
    if len(channels) == size:
        return channels
    rows = channels.reshape(-1, size) if len(channels) % size == 0 else channels.reshape(1, -1)
    if rows.shape[1] != size or not bool((rows == rows[0]).all()):
        raise Unknown("slices of a parameter belong to several channels each")
    return rows[0]
