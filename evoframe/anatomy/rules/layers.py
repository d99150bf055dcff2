"""Layers with synapses, and tables whose rows are looked up."""

from __future__ import annotations

from evoframe.anatomy.channels.calls import Call
from evoframe.anatomy.rules.contraction import contract
from evoframe.anatomy.rules.rule import Signal, Tracer, Unknown, rule


@rule("convolution")
def convolution(tracer: Tracer, call: Call) -> Signal:
    """Synapses of a convolution, plain, grouped or transposed."""
    return tracer.layer(call, call.args[0], call.args[1], call.args[2])


@rule("addmm", "mm", "linear")
def linear(tracer: Tracer, call: Call) -> Signal:
    """Synapses of a linear layer."""
    # ``addmm`` is given its bias first.
    bias, inputs, weight = call.args if call.name == "addmm" else (None, *call.args[:2])
    if call.name == "linear":
        bias = call.argument(2, "bias")
    if tracer.is_weight(weight):
        return tracer.layer(call, inputs, weight, bias)
    if call.name != "mm":  # weights that are computed from parameters cannot be cut
        raise Unknown("channels are weighted by a computed tensor")
    one, other = tracer.signal(inputs), tracer.signal(weight)
    return contract(tracer, one, other, (1, 0))


@rule("embedding")
def embedding(tracer: Tracer, call: Call) -> Signal:
    """Rows of a table: one channel for each column."""
    # Columns live with channels; rows are a vocabulary, and which are looked up hangs on the input.
    if tracer.signal(call.args[1]) is not None:
        raise Unknown("channels decide what is taken")
    found = tracer.entry(call.args[0])
    if found is None:
        raise Unknown("rows are looked up in a computed table")
    channels = tracer.table(found[0], found[1][1])
    return channels.reshape([1] * (call.out.ndim - 1) + [-1])
