"""Operands without channels of their own: what must hold of them where channels meet them."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from evoframe.anatomy.channels.signals import varying
from evoframe.anatomy.rules.blocks import fix, within
from evoframe.anatomy.rules.rule import Tracer, Unknown


def spreads(constant: Tensor, signal: Tensor) -> bool:
    """Tell whether a tensor is the same along all axes where the signal varies."""
    # Broadcasting aligns from the last axis, and a
    # constant may even have more axes than the signal.
    shape = (1,) * (signal.ndim - constant.ndim) + tuple(constant.shape)
    offset = len(shape) - signal.ndim
    return all(shape[axis + offset] == 1 for axis in varying(signal))


def require_spread(constant: Tensor, signal: Tensor) -> None:
    """Refuse a tensor with an element for each channel: a smaller network could not cut it.

    Raises:
        Unknown: it has.
    """
    if not spreads(constant, signal):
        raise Unknown("a computed tensor has one element for each channel")


def hold(tracer: Tracer, value: Any, signal: Tensor) -> None:
    """Let a parameter or buffer with one slice for each channel follow the channels.

    Args:
        tracer: the forward pass.
        value: a tensor that meets channels; broadcast, so its axes are the signal's last ones.
        signal: of the channels.

    Raises:
        Unknown: it is computed from something else, or one axis of it is not the channels'.
    """
    lag = signal.ndim - value.ndim
    # Along other axes it is the same for all channels, so there is nothing to cut.
    met = [axis for axis in varying(signal) if axis >= lag and value.shape[axis - lag] > 1]
    if within(signal, met):  # as angles vary along the dimensions of heads, and not with heads
        fix(tracer, signal, met)
        return
    found = tracer.slices(value)
    if found is None:
        raise Unknown("a computed tensor has one element for each channel")
    entry, axes = found
    if len(met) > 1:  # a slice along one of them belongs to many channels
        raise Unknown("a parameter meets channels along several axes")
    for axis in met:
        if (own := axes[axis - lag]) is None:
            raise Unknown("a computed tensor has one element for each channel")
        tracer.channels.hold(entry, own, signal)


def hold_all(tracer: Tracer, value: Tensor, signal: Tensor) -> None:
    """Let the parameters or statistics of a norm, (C,), follow its channels.

    Raises:
        Unknown: they are computed from something else.
    """
    found = tracer.entry(value)
    if found is None:
        raise Unknown("a normalisation has computed parameters")
    tracer.channels.hold(found[0], 0, signal.reshape(-1))
