"""Recurrent layers: units that read what they gave before.

A unit has rows of every gate in both weights and both biases, a column of the recurrent weight,
and the columns of whatever reads it. Without synapses it is zero at every step if it begins at
zero: the cell of an LSTM becomes half of what it was and half of tanh(0), a GRU's state half of
what it was, and other states tanh(0) or relu(0). So what a state begins with counts as something
that writes its unit.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from evoframe.anatomy.channels.calls import Call
from evoframe.anatomy.rules.operands import hold
from evoframe.anatomy.rules.rule import Signal, Tracer, Unknown, required, rule


@rule("lstm", "gru", "rnn_tanh", "rnn_relu")
def sequences(tracer: Tracer, call: Call) -> Signal:
    """Whole sequences through layers on top of each other, each of one direction or of both."""
    # Packed sequences come with the sizes of their batches.
    packed = call.func._overloadname == "data"  # noqa: SLF001  torch has no other name for it
    states, weights, biased, count, _, _, both = call.args[2 if packed else 1 :][:7]
    directions, given = 2 if both else 1, _several(states)
    size = len(weights) // (count * directions)
    incoming = tracer.incoming(call.args[0], call.args[0].ndim - 1)
    units: list[Tensor] = []
    outs: list[Tensor] = []
    for at in range(count * directions):
        if at and at % directions == 0:
            incoming = torch.cat(outs[-directions:])
        found = tracer.recurrence(incoming, weights[at * size : (at + 1) * size], biased=biased)
        units.append(found[0])
        outs.append(found[1])
    _begin(tracer, given, (outs, units))
    _tie(tracer, outs, units)
    lead = [1] * (call.out[0].ndim - 1)
    last = [torch.stack(channels).unsqueeze(1) for channels in (outs, units)]
    return [torch.cat(outs[-directions:]).reshape(*lead, -1), *last[: len(given)]]


@rule("lstm_cell", "gru_cell", "rnn_tanh_cell", "rnn_relu_cell")
def steps(tracer: Tracer, call: Call) -> Signal:
    """One step of one layer; called again, it has the same units."""
    inputs, states, *weights = call.args
    present = [one for one in (*weights, *call.kwargs.values()) if one is not None]
    found = tracer.recurrence(
        tracer.incoming(inputs, inputs.ndim - 1), present, biased=len(present) > 2
    )
    units, given = found[0], _several(states)
    _begin(tracer, given, ([units], [units]))
    return [units.unsqueeze(0)] * len(given)


@rule("_pack_padded_sequence")
def packed(tracer: Tracer, call: Call) -> Signal:
    """Sequences of several lengths, one below the other, instead of side by side."""
    signal = required(tracer.signal(call.args[0]))
    if signal.shape[0] > 1 or signal.shape[1] > 1:
        raise Unknown("sequences and channels are mixed")
    return [signal[0], None]


@rule("_pad_packed_sequence")
def padded(tracer: Tracer, call: Call) -> Signal:
    """The reverse; what is filled in is zero, or something that writes every channel."""
    signal = required(tracer.signal(call.args[0])).unsqueeze(0)
    if signal.shape[1] > 1:
        raise Unknown("sequences and channels are mixed")
    if call.argument(3, "padding_value", 0) != 0:
        signal = tracer.channels.derive([signal], fed=True)
    return [signal, None]


def _several(states: Any) -> list[Tensor]:
    """Return the states that layers begin with, and their cells where they have any."""
    return [states] if isinstance(states, Tensor) else list(states)


def _tie(tracer: Tracer, outs: Sequence[Tensor], units: Sequence[Tensor]) -> None:
    """Let all layers and directions lose the same units: how many there are is one number."""
    for channels in (outs, units):
        tracer.channels.ties += [(channels[0], other) for other in channels[1:]]


def _begin(
    tracer: Tracer, given: Sequence[Tensor], channels: tuple[Sequence[Tensor], Sequence[Tensor]]
) -> None:
    """Let the states that layers begin with write their units.

    Args:
        tracer: the forward pass.
        given: the states, (layers, N, units) or (N, units); and the cells of an LSTM.
        channels: what each layer gives, and its cells.

    Raises:
        Unknown: what a state begins with is as wide as somebody else made it. All units stay then.
    """
    try:
        for state, mine in zip(given, channels, strict=False):
            _enter(tracer, state, mine)
    except Unknown:
        for one in (*channels[0], *channels[1]):
            tracer.channels.pin(one)
        raise


def _enter(tracer: Tracer, state: Tensor, mine: Sequence[Tensor]) -> None:
    if tracer.entries.even.value(state) == 0:
        return
    signal = tracer.signal(state)
    if signal is None:
        for one in mine:
            tracer.channels.fed.append(one)
            _follow(tracer, state, one.reshape([1] * (state.ndim - 1) + [-1]))
        return
    rows = signal.reshape(1, *signal.shape) if signal.ndim == 2 else signal
    if rows.shape[1] > 1 or rows.shape[2] != len(mine[0]):
        raise Unknown("a state begins with channels that do not meet its units one to one")
    for one, row in zip(mine, rows.expand(len(mine), -1, -1), strict=True):
        tracer.channels.write(one, row[0])


def _follow(tracer: Tracer, state: Tensor, signal: Tensor) -> None:
    """Let what a state is made of be cut with its units."""
    try:
        hold(tracer, state, signal)
    except Unknown as unknown:
        reason = "a state begins with numbers that do not follow its units"
        raise Unknown(reason) from unknown
