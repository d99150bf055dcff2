"""Layers with synapses, and tables whose rows are looked up."""

from __future__ import annotations

from torch import Tensor

from evoframe.anatomy.channels.calls import Call
from evoframe.anatomy.channels.signals import varying
from evoframe.anatomy.rules.contraction import contract
from evoframe.anatomy.rules.meeting import Term, summed, term
from evoframe.anatomy.rules.operands import hold, require_spread
from evoframe.anatomy.rules.rule import Signal, Tracer, Unknown, required, rule


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
    signal, right = tracer.signal(inputs), tracer.signal(weight)
    if tracer.entries.rows(weight) is not None:
        return tracer.layer(call, inputs, weight, bias)
    if tracer.entries.matrix(weight, 0) is not None:
        if signal is None or signal.shape[-1] > 1 or signal.numel() == 1:
            return tracer.layer(call, inputs, weight, bias)
        # It sums over places, in each channel alone, and a bias is the same for all channels.
        return signal if bias is None else tracer.channels.derive([signal], fed=True)
    left = call.name == "mm" and tracer.entries.matrix(inputs, 0) is not None
    if left and right is not None and right.shape[0] > 1:  # rows of the matrix are outputs
        return tracer.layer(call, weight, inputs, None)
    if call.name != "mm":  # weights that are computed from parameters cannot be cut
        raise Unknown("channels are weighted by a computed tensor")
    return contract(tracer, signal, right, (1, 0))


@rule("_sparse_addmm", "_sparse_mm")
def sparse_product(tracer: Tracer, call: Call) -> Signal:
    """A sparse matrix by rows of channels: it sums over rows, in each channel alone."""
    start, left, right = call.args[:3] if call.name == "_sparse_addmm" else (0, *call.args)
    product = contract(tracer, tracer.signal(left), tracer.signal(right), (1, 0))
    assert isinstance(product, Tensor)
    return summed(tracer, 2, [Term(None, product), term(tracer, start)])


@rule("embedding_bag", "_embedding_bag", "_embedding_bag_forward_only")
def embedding_bag(tracer: Tracer, call: Call) -> Signal:
    """Rows of a table that are put together: one channel for each column."""
    if any(tracer.signal(one) is not None for one in call.args[1:]):
        raise Unknown("channels weigh or choose rows of a table")
    found = tracer.entry(call.args[0])
    if found is None:
        raise Unknown("rows are looked up in a computed table")
    return tracer.table(found[0], found[1][1]).reshape(1, -1)


@rule("_trilinear")
def bilinear(tracer: Tracer, call: Call) -> Signal:
    """Two rows of channels and a weight for each pair of them; what comes out stays."""
    # F.bilinear: (N, I) and (N, J) meet a weight (O, I, J), each spread over the others' axes.
    one, weight, other = call.args[:3]
    found = tracer.entry(weight)
    if found is None or (one.ndim, weight.ndim, other.ndim, *call.args[6]) != (2, 3, 2, 2, 3):
        raise Unknown("channels meet in a product of three tensors")
    for axis, value in ((1, one), (2, other)):
        if (signal := tracer.signal(value)) is not None:
            if varying(signal) != (1,):
                raise Unknown("a layer sums over an axis without channels")
            tracer.channels.hold(found[0], found[1][axis], signal)
            tracer.channels.mark_read(signal)
    outgoing = tracer.channels.new(call.out.shape[1], fed=True)
    tracer.channels.keep(outgoing)
    return outgoing.reshape(1, -1)


@rule("mv")
def weighted_sum(tracer: Tracer, call: Call) -> Signal:
    """Channels that are weighed by a vector and summed: it leaves with them, entry by entry."""
    signal = required(tracer.signal(call.args[0]))
    if varying(signal) == (0,):
        require_spread(tracer, call.args[1], signal)
        return signal.reshape(-1)
    if not tracer.channels.are_zero(signal):
        raise Unknown("dead channels that are no zero are summed")
    hold(tracer, call.args[1], signal)
    tracer.channels.mark_read(signal)
    return None


@rule("_cdist_forward")
def distances(tracer: Tracer, call: Call) -> Signal:
    """Distances between rows of channels that meet one to one; where both are zero nothing adds."""
    one, other = (required(tracer.signal(value)) for value in call.args[:2])
    last = (call.out.ndim - 1,)
    zero = tracer.channels.are_zero(one) and tracer.channels.are_zero(other)
    if varying(one) != last or varying(other) != last or call.args[2] < 0 or not zero:
        raise Unknown("distances between channels that do not meet one to one")
    tracer.channels.mark_read(tracer.channels.derive([one, other]))
    return None


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
