"""Parts of tensors: by position, in halves."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from evoframe.anatomy.channels.calls import Call
from evoframe.anatomy.channels.grid import Grid
from evoframe.anatomy.channels.signals import narrowed, varying
from evoframe.anatomy.rules.blocks import fix
from evoframe.anatomy.rules.movement import moved_alike
from evoframe.anatomy.rules.rule import Signal, Tracer, Unknown, required, rule


@rule("slice", "select", "narrow")
def part(tracer: Tracer, call: Call) -> Signal:
    """Takes a part by position; of channels, those stay from which positions are counted."""
    signal = required(tracer.signal(call.args[0]))
    axis = call.argument(1, "dim", 0) % signal.ndim
    # ``x[:]`` and ``x[:, : large]`` take everything, in whatever width.
    whole = call.name == "slice" and call.out.shape == call.args[0].shape
    if axis in varying(signal) and not whole:
        if len(varying(signal)) == 1:
            return _taken(tracer, call, signal, axis)
        # As qkv[0] of (3, heads, dimensions): the position 0 must still be what it was.
        tracer.channels.grids.append(Grid(signal, fixed=(axis,)))
    return moved_alike(tracer, call, call.out)


def _taken(tracer: Tracer, call: Call, signal: Tensor, axis: int) -> Tensor:
    """Return the channels that are taken by their positions, ``x[:, 4:]``.

    Positions count from one end, so all between that end and the last one that the code names
    stay; behind it channels may leave. Sizes that are computed fail the proof by shapes.
    """
    size, channels = signal.shape[axis], signal.reshape(-1)
    if call.name == "select":
        at = call.args[2]
        _counted(tracer, call, [channels[: at + 1] if at >= 0 else channels[at:]])
        return signal.select(axis, at)
    start, end, step = (
        call.argument(at, name) for at, name in ((2, "start"), (3, "end"), (4, "step"))
    )
    start, end, step = start or 0, size if end is None else end, step or 1
    if step > 1:
        return _every(tracer, signal, axis, start, end, step)
    counted = []
    # One channel more where only one bound cuts: a slice of everything would be no operation.
    if start < 0:
        counted.append(channels[start - int(end >= size) :])
    elif start < size:
        counted.append(channels[:start])
    if end < 0:
        counted.append(channels[end:])
    elif end < size:
        counted.append(channels[: end + int(start == 0)])
    _counted(tracer, call, counted)
    return signal.narrow(axis, *_span(start, end, size))


def _counted(tracer: Tracer, call: Call, channels: Sequence[Tensor]) -> None:
    """Keep channels from which positions are counted, and tell it."""
    if any(len(some) for some in channels):
        tracer.stop(call, "channels are taken by their positions; those stay that are counted")
    for some in channels:
        tracer.channels.keep(some)


def _every(tracer: Tracer, signal: Tensor, axis: int, start: int, end: int, step: int) -> Tensor:
    """Return the channels at every so many positions: they leave with those between them."""
    size = signal.shape[axis]
    if end < size or not 0 <= start < step or size % step:
        raise Unknown("channels are taken by their positions")
    tracer.channels.grids.append(Grid(signal.reshape(-1, step), fixed=(1,)))
    positions = torch.arange(start, size, step)
    return signal.index_select(axis, positions)


def _span(start: int, end: int, size: int) -> tuple[int, int]:
    """Return the beginning and the length of a slice."""
    first, last = (min(max(at + size if at < 0 else at, 0), size) for at in (start, end))
    return first, max(last - first, 0)


@rule("unbind")
def unbind(tracer: Tracer, call: Call) -> Signal:
    """Takes an axis apart; the axis must then not change."""
    signal = required(tracer.signal(call.args[0]))
    axis = call.argument(1, "dim", 0) % signal.ndim
    if axis not in varying(signal):
        index = signal.select(axis, 0)
        return [index] * len(call.out)
    if len(varying(signal)) == 1:
        raise Unknown("channels are taken by their positions")
    tracer.channels.grids.append(Grid(signal, fixed=(axis,)))
    return [narrowed(piece) for piece in signal.unbind(axis)]


@rule("split", "split_with_sizes")
def split(tracer: Tracer, call: Call) -> Signal:
    """Takes parts; equal ones, as of chunk, lose the same positions.

    Where each part has as many channels as it should, each also has the right ones, since all
    of them stand in their order. So the proof tells whether unequal parts may lose any.
    """
    signal = required(tracer.signal(call.args[0]))
    axis = call.argument(2, "dim", 0) % signal.ndim
    if axis not in varying(signal):
        return [signal] * len(call.out)
    sizes = [piece.shape[axis] for piece in call.out]
    pieces = list(torch.split(signal, sizes, axis))
    if len(varying(signal)) > 1:  # as the halves of each head
        fix(tracer, signal, [axis])
        return [narrowed(piece) for piece in pieces]
    # ``chunk`` divides by a number of parts, so the parts must stay equally long: a row for each.
    if len(pieces) > 1 and len(set(sizes)) == 1:
        block = torch.stack([piece.reshape(-1) for piece in pieces])
        tracer.channels.grids.append(Grid(block, fixed=(0,)))
    return list(pieces)


@rule("glu")
def gated_halves(tracer: Tracer, call: Call) -> Signal:
    """One half times the sigmoid of the other; both lose the same positions."""
    signal = required(tracer.signal(call.args[0]))
    axis = call.argument(1, "dim", -1) % signal.ndim
    if varying(signal) != (axis,):
        raise Unknown("halves are taken along an axis without channels")
    value, gate = signal.chunk(2, axis)
    pair = torch.stack([value.reshape(-1), gate.reshape(-1)])
    tracer.channels.grids.append(Grid(pair, fixed=(0,)))
    # The sigmoid of a dead gate is a half, so the value decides alone whether the product is dead.
    gate = tracer.channels.derive([gate], fed=True)
    return tracer.channels.derive([value, gate], every=True)
