"""Joining tensors: channels side by side, or tensors on which the same channels lie."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from evoframe.anatomy.channels.calls import Call
from evoframe.anatomy.channels.grid import Grid
from evoframe.anatomy.channels.signals import varying
from evoframe.anatomy.rules.operands import admit
from evoframe.anatomy.rules.rule import Signal, Tracer, Unknown, rule


@rule("cat", "concat")
def concatenation(tracer: Tracer, call: Call) -> Signal:
    """Channels side by side; along any other axis, channels that meet."""
    axis = call.argument(1, "dim", 0) % call.out.ndim
    tensors = [one for one in call.args[0] if one.numel() or not call.out.numel()]
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
    if any(axis in varying(signal) for signal in known):
        return _in_blocks(tracer, tensors, signals, axis)
    return _side_by_side(tracer, tensors, signals)


@rule("stack")
def stacking(tracer: Tracer, call: Call) -> Signal:
    """The same on a new axis."""
    axis = call.argument(1, "dim", 0) % call.out.ndim
    tensors = list(call.args[0])
    met = _side_by_side(tracer, tensors, [tracer.signal(value) for value in tensors])
    return None if met is None else met.unsqueeze(axis)


def _in_blocks(
    tracer: Tracer, tensors: Sequence[Tensor], signals: Sequence[Tensor | None], axis: int
) -> Tensor:
    """Return the signal of blocks side by side, such as the halves of each head."""
    rows = [
        _row(tracer, value, signal, axis) for value, signal in zip(tensors, signals, strict=True)
    ]
    others = [row.narrow(axis, 0, 1) for row in rows]
    try:
        shape = list(torch.broadcast_tensors(*others)[0].shape)  # type: ignore[no-untyped-call]
    except RuntimeError as error:
        raise Unknown("channels that lie along different axes are joined") from error
    whole = [row.expand([*shape[:axis], row.shape[axis], *shape[axis + 1 :]]) for row in rows]
    block = torch.cat(whole, axis)
    if len(varying(block)) > 1:
        tracer.channels.grids.append(Grid(block))
    return block


def _row(tracer: Tracer, value: Tensor, signal: Tensor | None, axis: int) -> Tensor:
    if signal is None:
        # A tensor without channels, such as coordinates,
        # gets some that stay, so that positions add up.
        channels = tracer.channels.new(value.shape[axis], fed=True)
        tracer.channels.keep(channels)
        return channels.reshape([-1 if at == axis else 1 for at in range(value.ndim)])
    if signal.shape[axis] == value.shape[axis]:
        return signal
    if signal.numel() == 1:
        raise Unknown("one channel is spread over several positions that are joined with others")
    return signal.expand([value.shape[axis] if at == axis else -1 for at in range(signal.ndim)])


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
