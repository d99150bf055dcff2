"""Parts of tensors: by position, by index, in halves."""

from __future__ import annotations

import torch

from evoframe.anatomy.channels.calls import Call, tensors_in
from evoframe.anatomy.channels.grid import Grid
from evoframe.anatomy.channels.signals import narrowed, varying
from evoframe.anatomy.rules.blocks import fix
from evoframe.anatomy.rules.movement import moved_alike
from evoframe.anatomy.rules.rule import Signal, Tracer, Unknown, required, rule


@rule("slice", "select", "narrow")
def part(tracer: Tracer, call: Call) -> Signal:
    """Takes a part by position; positions along a channel's axis must then not change."""
    signal = required(tracer.signal(call.args[0]))
    axis = call.argument(1, "dim", 0) % signal.ndim
    # ``x[:]`` and ``x[:, : large]`` take everything, in whatever width.
    whole = call.name == "slice" and call.out.shape == call.args[0].shape
    if axis in varying(signal) and not whole:
        if len(varying(signal)) == 1:
            raise Unknown("channels are taken by their positions")
        # As qkv[0] of (3, heads, dimensions): the position 0 must still be what it was.
        tracer.channels.grids.append(Grid(signal, fixed=(axis,)))
    return moved_alike(tracer, call, call.out)


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


@rule("index", "index_select")
def looked_up(tracer: Tracer, call: Call) -> Signal:
    """Takes positions along axes without channels."""
    signal = required(tracer.signal(call.args[0]))
    if any(tracer.signal(one) is not None for one in tensors_in(call.args[1:])):
        raise Unknown("channels decide what is taken")
    if call.name == "index_select":
        if call.args[1] % signal.ndim in varying(signal):
            raise Unknown("channels are taken by their positions")
        return signal
    indices = list(call.args[1])
    for axis, index in enumerate(indices):
        # A condition takes as many positions as its
        # contents say, and on meta there are no contents.
        if index is not None and (axis in varying(signal) or index.dtype == torch.bool):
            raise Unknown("channels are taken by their positions, or by a condition")
    # Which positions are taken does not matter, since no channel varies along them: the first is.
    zeros = [None if one is None else torch.zeros(one.shape, dtype=torch.long) for one in indices]
    return narrowed(call.func(signal.expand(call.args[0].shape), zeros))
