"""Several operands: channels that meet one to one, or meet something without channels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from evoframe.anatomy.channels.calls import Call
from evoframe.anatomy.channels.signals import ranked, varying
from evoframe.anatomy.rules.blocks import bind, within
from evoframe.anatomy.rules.operands import admit, may_be_zero, never_dead
from evoframe.anatomy.rules.rule import Signal, Tracer, Unknown, rule


class Term(NamedTuple):
    """What takes part in a sum or a product.

    Attributes:
        value: a number or a tensor; None where only the channels are known.
        signal: the channels that it carries; None if it carries none.
    """

    value: Any
    signal: Tensor | None


def term(tracer: Tracer, value: Any) -> Term:
    """Return an argument of a call as a term."""
    return Term(value, tracer.signal(value))


@rule("add", "sub", "rsub", "maximum", "minimum", "fmax", "fmin", "hypot", "atan2")
def sums(tracer: Tracer, call: Call) -> Signal:
    """Lives while any operand does; where all are zero, so is what comes out."""
    return summed(tracer, call.out.ndim, [term(tracer, one) for one in call.args[:2]])


@rule("mul", "bitwise_and", "logical_and", "__and__")
def products(tracer: Tracer, call: Call) -> Signal:
    """Lives while all factors do."""
    return multiplied(tracer, call.out.ndim, [term(tracer, one) for one in call.args[:2]])


@rule("bitwise_or", "logical_or", "bitwise_xor", "logical_xor", "__or__", "__xor__")
def either(tracer: Tracer, call: Call) -> Signal:
    """Conditions of which one is enough: lives while any of them does."""
    return summed(tracer, call.out.ndim, [term(tracer, one) for one in call.args[:2]])


@rule("logaddexp", "logaddexp2", "xlogy", "copysign")
def lifted_sums(tracer: Tracer, call: Call) -> Signal:
    """Meets one to one, and is no zero where all operands are: a dead channel becomes constant."""
    met = summed(tracer, call.out.ndim, [term(tracer, one) for one in call.args[:2]])
    return None if met is None else tracer.channels.derive([met], fed=True)


@rule("div", "true_divide", "floor_divide")
def quotients(tracer: Tracer, call: Call) -> Signal:
    """Lives while what is divided does; what divides must not be zero where it is dead."""
    over, under = (term(tracer, one) for one in call.args[:2])
    return divided(tracer, call.out.ndim, over, under)


@rule("addcmul")
def sum_with_product(tracer: Tracer, call: Call) -> Signal:
    """A sum with a product: lives while the summand or both factors do."""
    summand, *factors = (term(tracer, one) for one in call.args[:3])
    if all(one.signal is None for one in factors):
        return _with_constants(tracer, call, summand, factors)
    product = multiplied(tracer, call.out.ndim, factors)
    return summed(tracer, call.out.ndim, [summand, Term(None, product)])


@rule("addcdiv")
def sum_with_quotient(tracer: Tracer, call: Call) -> Signal:
    """A sum with a quotient: lives while the summand or what is divided does."""
    summand, over, under = (term(tracer, one) for one in call.args[:3])
    if over.signal is None and under.signal is None:
        return _with_constants(tracer, call, summand, [over, under])
    quotient = divided(tracer, call.out.ndim, over, under)
    return summed(tracer, call.out.ndim, [summand, Term(None, quotient)])


@rule("lerp")
def mixture(tracer: Tracer, call: Call) -> Signal:
    """A mixture of two tensors lives while any of them does; the weight only scales."""
    rank = call.out.ndim
    start, end, weight = (term(tracer, one) for one in call.args[:3])
    mixed = Term(None, summed(tracer, rank, [start, end]))
    if mixed.signal is None:  # between two constants: what is weighed is not zero
        raise Unknown("channels weigh something that carries none")
    return multiplied(tracer, rank, [mixed, lifted(tracer, weight)])


@rule("where")
def choice(tracer: Tracer, call: Call) -> Signal:
    """One of two tensors, by a condition: lives while any of them does."""
    condition, *ways = (term(tracer, one) for one in call.args)
    chosen = Term(None, summed(tracer, call.out.ndim, ways))
    if chosen.signal is None:
        if condition.signal is None:
            raise Unknown("a channel enters as a parameter of the operation")
        return tracer.channels.derive([ranked(condition.signal, call.out.ndim)], fed=True)
    return multiplied(tracer, call.out.ndim, [chosen, lifted(tracer, condition)])


def summed(tracer: Tracer, rank: int, terms: Sequence[Term]) -> Tensor | None:
    """Return the signal of a sum; None if no term carries channels.

    A summand without channels does not leave a dead channel at zero: the channel is constant then,
    so something other than a synapse feeds it. The zero with which ``sum()`` of Python begins
    feeds nobody, and no more does a parameter that leaves with its channels.
    """
    signal = _together(tracer, rank, terms, every=False)
    if signal is None:
        return None
    values = [admit(tracer, one.value, signal) for one in terms if one.signal is None]
    return signal if all(one == 0 for one in values) else tracer.channels.derive([signal], fed=True)


def multiplied(tracer: Tracer, rank: int, terms: Sequence[Term]) -> Tensor | None:
    """Return the signal of a product; None if no term carries channels."""
    signal = _together(tracer, rank, terms, every=True)
    if signal is None:
        return None
    values = [admit(tracer, one.value, signal) for one in terms if one.signal is None]
    if any(map(math.isinf, values)):
        raise Unknown("a factor is infinite")
    if not any(one.signal is None and tracer.entries.even.value(one.value) == 0 for one in terms):
        return signal
    # Zeros are as many as code makes, as of a first state; a proof sees whether they follow.
    nothing = tracer.channels.new(1, fed=False).reshape([1] * signal.ndim).expand_as(signal)
    return tracer.channels.derive([signal, nothing], every=True)


def divided(tracer: Tracer, rank: int, over: Term, under: Term) -> Tensor | None:
    """Return the signal of a quotient; None if no term carries channels.

    Raises:
        Unknown: zero might be divided by zero where channels are dead.
    """
    if under.signal is None:
        signal = _together(tracer, rank, [over], every=True)
        if signal is not None and admit(tracer, under.value, signal) == 0:
            never_dead(tracer, signal, "a dead channel would be divided by zero")
        return signal
    if may_be_zero(tracer, under.signal):
        never_dead(tracer, under.signal, "something is divided by channels, which may be zero")
    if over.signal is not None:
        return multiplied(tracer, rank, [over, under])
    admit(tracer, over.value, ranked(under.signal, rank))
    return tracer.channels.derive([ranked(under.signal, rank)], fed=True)


def lifted(tracer: Tracer, one: Term) -> Term:
    """Return a term that is taken for alive: its zero does not make a product zero."""
    if one.signal is None:
        return one
    return Term(one.value, tracer.channels.derive([one.signal], fed=True))


def _with_constants(
    tracer: Tracer, call: Call, summand: Term, factors: Sequence[Term]
) -> Tensor | None:
    """Return the signal of channels to which a product or quotient without channels is added."""
    signal = _together(tracer, call.out.ndim, [summand], every=False)
    if signal is None:
        raise Unknown("a channel enters as a parameter of the operation")
    values = [admit(tracer, one.value, signal) for one in factors]
    if call.name == "addcdiv" and values[1] == 0:
        never_dead(tracer, signal, "a parameter would be divided by zero")
    at_rest = values[0] * values[1] if call.name == "addcmul" else values[0] / values[1]
    return signal if at_rest == 0 else tracer.channels.derive([signal], fed=True)


def _by_lines(tracer: Tracer, met: Sequence[Tensor], *, every: bool) -> Tensor | None:
    """Return the signal where a channel meets a whole line of a block, as a head's scale does."""
    if len(met) != 2:
        return None
    for less, more in (met, reversed(met)):
        if len(varying(less)) == 1 and within(more, varying(less)):
            block = tracer.channels.derive([more, less.expand(more.shape)], every=every)
            bind(tracer, block, less)
            return block
    return None


def _together(tracer: Tracer, rank: int, terms: Sequence[Term], *, every: bool) -> Tensor | None:
    """Return the signal of all terms that carry channels; None if there is none.

    They meet one to one, along the same axes: a residual sum ties the channels of its two sides. A
    single channel that is spread over many (a gate of one channel over all of a map) stays for
    ever: it has no partner to leave with.
    """
    known = [ranked(one.signal, rank) for one in terms if one.signal is not None]
    if not known:
        return None
    many = [one for one in known if one.numel() > 1]
    single = [one for one in known if one.numel() == 1] if many else []
    for one in single:
        tracer.channels.keep(one)
    met = many or known
    if len(met) > 1 and (block := _by_lines(tracer, met, every=every)) is not None:
        met = [block]
    if any(varying(one) != varying(met[0]) for one in met):
        raise Unknown("channels that lie along different axes meet")
    if any(one.shape != met[0].shape for one in met):
        raise Unknown("channels are broadcast against channels")
    signal = tracer.channels.derive(met, every=every) if len(met) > 1 else met[0]
    if len(met) > 1 and len(varying(signal)) == 1:
        _tie_copies(tracer, met, signal)
    return tracer.channels.derive([signal], fed=True) if single and not every else signal


def _tie_copies(tracer: Tracer, met: Sequence[Tensor], signal: Tensor) -> None:
    """Let what meets copies of a channel, as lie side by side, leave together and with it."""
    for one in met:
        if 1 < len(torch.unique(one)) < one.numel():
            tracer.channels.ties.append((signal.reshape(-1), one.reshape(-1)))
