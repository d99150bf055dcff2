"""Two operands: channels that meet one to one, or meet something without channels."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from evoframe.anatomy.channels.calls import Call
from evoframe.anatomy.channels.signals import ranked, varying
from evoframe.anatomy.rules.blocks import bind, within
from evoframe.anatomy.rules.operands import hold, require_spread, spreads
from evoframe.anatomy.rules.rule import Signal, Tracer, Unknown, required, rule


@rule("add", "sub", "rsub")
def sums(tracer: Tracer, call: Call) -> Signal:
    """A sum lives while any of its parts does."""
    return _meet(tracer, call, call.args[0], call.args[1], product=False)


@rule("mul")
def products(tracer: Tracer, call: Call) -> Signal:
    """A product lives while all of its factors do."""
    return _meet(tracer, call, call.args[0], call.args[1], product=True)


@rule("div")
def quotients(tracer: Tracer, call: Call) -> Signal:
    """A quotient by something that carries no channel."""
    if tracer.signal(call.args[1]) is not None:
        raise Unknown("something is divided by channels")
    return _meet(tracer, call, call.args[0], call.args[1], product=True)


@rule("where")
def choice(tracer: Tracer, call: Call) -> Signal:
    """One of two tensors, by a condition that carries no channel: lives while any of them does."""
    condition, left, right = call.args
    if tracer.signal(condition) is not None:
        raise Unknown("channels decide what is chosen")
    one, other = tracer.signal(left), tracer.signal(right)
    require_spread(condition, required(one if one is not None else other))
    return _meet(tracer, call, left, right, product=False)


def _meet(tracer: Tracer, call: Call, left: Any, right: Any, *, product: bool) -> Signal:
    """Return the signal of two operands that broadcast against each other.

    Where both carry channels they meet one to one, along the same axes: a residual sum ties the
    channels of its two sides. A single channel that is spread over many (a gate of one channel
    over all of a map) stays for ever: it has no partner to leave with.
    """
    one, other = tracer.signal(left), tracer.signal(right)
    if one is None or other is None:
        signal, constant = (one, right) if one is not None else (other, left)
        return _with_constant(tracer, required(signal), constant, product=product)
    rank = call.out.ndim
    one, other = ranked(one, rank), ranked(other, rank)
    for single, many in ((one, other), (other, one)):
        if single.numel() == 1 and many.numel() > 1:  # one channel spread over many
            tracer.channels.keep(single)
            return many if product else tracer.channels.derive([many], fed=True)
    for less, more in ((one, other), (other, one)):
        if len(varying(less)) == 1 and within(more, varying(less)):
            return _spread(tracer, less, more, product=product)
    if varying(one) != varying(other):
        raise Unknown("channels that lie along different axes meet")
    if one.shape != other.shape:
        raise Unknown("channels are broadcast against channels")
    return tracer.channels.derive([one, other], every=product)


def _spread(tracer: Tracer, less: Tensor, more: Tensor, *, product: bool) -> Signal:
    """Return the signal where a channel meets a whole line of a block, as a head's scale does."""
    spread = less.expand(more.shape)
    met = tracer.channels.derive([more, spread], every=product)
    bind(tracer, met, less)
    return met


def _with_constant(tracer: Tracer, signal: Tensor, constant: Any, *, product: bool) -> Signal:
    """Return the signal of channels that meet something without channels.

    A factor leaves a dead channel at zero. A summand does not: the channel is constant then, so
    something other than a synapse feeds it.
    """
    zero = isinstance(constant, Tensor) and constant in tracer.zeros
    if isinstance(constant, Tensor) and not zero and not spreads(constant, signal):
        hold(tracer, constant, signal)
    # ``sum()`` of Python begins with a zero; it feeds nobody.
    elif not isinstance(constant, Tensor) and not product and constant == 0:
        return signal
    if isinstance(constant, Tensor) and constant.ndim > signal.ndim:
        signal = ranked(signal, constant.ndim)
    # Zeros are as many as code makes, as of a first state; a proof sees whether they follow.
    if zero and product:
        nothing = tracer.channels.new(1, fed=False).reshape([1] * signal.ndim).expand_as(signal)
        return tracer.channels.derive([signal, nothing], every=True)
    return signal if product or zero else tracer.channels.derive([signal], fed=True)
