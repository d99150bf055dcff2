"""Joining tensors: channels side by side, or tensors on which the same channels lie."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from evoframe.anatomy.channels.calls import Call
from evoframe.anatomy.channels.signals import varying
from evoframe.anatomy.rules.operands import admit
from evoframe.anatomy.rules.rule import Signal, Tracer, Unknown, rule


@rule("cat", "concat")
def concatenation(tracer: Tracer, call: Call) -> Signal:
    """Channels side by side; along any other axis, channels that meet."""
    tensors = list(call.args[0])
    axis = call.argument(1, "dim", 0) % call.out.ndim
    signals = [tracer.signal(value) for value in tensors]
    known = [signal for signal in signals if signal is not None]
    axes = {varying(signal) for signal in known if signal.numel() > 1}
    # Single channels vary along no axis. If all are single, axis 1 is taken for the channels' one.
    if axes <= {(axis,)} and (axes or (call.out.ndim > 1 and axis == 1)):
        return torch.cat(
            [
                _row(tracer, value, signal, axis)
                for value, signal in zip(tensors, signals, strict=True)
            ],
            axis,
        )
    return _side_by_side(tracer, tensors, signals)


@rule("stack")
def stacking(tracer: Tracer, call: Call) -> Signal:
    """The same on a new axis."""
    axis = call.argument(1, "dim", 0) % call.out.ndim
    tensors = list(call.args[0])
    met = _side_by_side(tracer, tensors, [tracer.signal(value) for value in tensors])
    return None if met is None else met.unsqueeze(axis)


def _row(tracer: Tracer, value: Tensor, signal: Tensor | None, axis: int) -> Tensor:
    if signal is None:
        # A tensor without channels, such as coordinates,
        # gets some that stay, so that positions add up.
        channels = tracer.channels.new(value.shape[axis], fed=True)
        tracer.channels.keep(channels)
        return channels.reshape([-1 if at == axis else 1 for at in range(value.ndim)])
    if signal.shape[axis] != value.shape[axis]:
        raise Unknown("one channel is spread over several positions that are joined with others")
    return signal


def _side_by_side(
    tracer: Tracer, tensors: Sequence[Tensor], signals: Sequence[Tensor | None]
) -> Tensor | None:
    known = [signal for signal in signals if signal is not None]
    if any(signal.shape != known[0].shape for signal in known):
        raise Unknown("channels that lie along different axes are joined")
    # What carries no channel feeds all that it is joined with: those positions are never zero.
    fed = False
    for value, signal in zip(tensors, signals, strict=True):
        if signal is None and admit(tracer, value, known[0]) != 0:
            fed = True
    return tracer.channels.derive(known, fed=fed)
