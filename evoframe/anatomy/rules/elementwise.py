"""Operations on each element alone: where they map zero to zero, nothing changes."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from evoframe.anatomy.channels.calls import Call
from evoframe.anatomy.rules.meeting import Term, lifted, multiplied, summed, term
from evoframe.anatomy.rules.operands import admit, hold, may_be_zero, never_dead
from evoframe.anatomy.rules.rule import Signal, Tracer, Unknown, required, rule


@rule(
    "relu", "relu6", "leaky_relu", "elu", "celu", "selu", "gelu", "silu", "mish", "hardswish",
    "tanh", "abs", "neg", "sign", "sgn", "sqrt", "square", "sin", "tan", "asin", "atan", "sinh",
    "asinh", "atanh", "erf", "erfinv", "floor", "ceil", "round", "trunc", "frac", "hardshrink",
    "softshrink", "clone", "alias", "detach", "_to_copy", "contiguous", "lift_fresh", "expm1",
    "log1p", "nan_to_num", "isnan", "isinf", "deg2rad", "rad2deg", "rrelu_with_noise", "positive",
    "real", "imag", "conj",
)  # fmt: skip
def keeps_zero(tracer: Tracer, call: Call) -> Signal:
    """An operation on each element that maps zero to zero: the channels are the same."""
    return tracer.signal(call.args[0])


@rule(
    "sigmoid", "exp", "exp2", "cos", "softplus", "hardsigmoid", "rsqrt", "reciprocal", "log",
    "log2", "log10", "log_sigmoid_forward", "bitwise_not", "logical_not", "clamp_min", "clamp_max",
    "hardtanh", "threshold", "pow", "cosh", "acos", "erfc", "sinc", "logit", "i0", "lgamma",
    "digamma", "isfinite", "bucketize", "remainder", "fmod", "polygamma", "acosh", "signbit",
)  # fmt: skip
def lifts_zero(tracer: Tracer, call: Call) -> Signal:
    """An operation on each element that may map zero elsewhere: a dead channel becomes constant."""
    if any(isinstance(one, Tensor) for one in call.args[1:]):
        return _by_others(tracer, call)
    signal = required(tracer.signal(call.args[0]))
    zero = _of_zero(call)
    if zero == 0:
        return signal
    if zero is not None and not math.isfinite(zero) and may_be_zero(tracer, signal):
        never_dead(tracer, signal, f"{call.name} of zero is not finite")
    return tracer.channels.derive([signal], fed=True)


@rule("eq", "ne", "gt", "lt", "ge", "le")
def comparisons(tracer: Tracer, call: Call) -> Signal:
    """Compares with a number or channel by channel; false counts as zero."""
    if not isinstance(call.args[1], Tensor):
        return lifts_zero(tracer, call)
    met = required(summed(tracer, call.out.ndim, [term(tracer, one) for one in call.args[:2]]))
    return met if call.name in ("ne", "gt", "lt") else tracer.channels.derive([met], fed=True)


@rule("clamp")
def bounded(tracer: Tracer, call: Call) -> Signal:
    """Bounds: numbers, or tensors that meet the channels one to one."""
    bounds = [call.argument(1, "min"), call.argument(2, "max")]
    if not any(isinstance(one, Tensor) for one in bounds):
        return lifts_zero(tracer, call)
    terms = [term(tracer, one) for one in (call.args[0], *bounds) if one is not None]
    return summed(tracer, call.out.ndim, terms)


@rule("masked_fill")
def masked(tracer: Tracer, call: Call) -> Signal:
    """Puts a number where a condition holds; a zero leaves dead channels dead."""
    rank, value = call.out.ndim, call.args[2]
    met = multiplied(
        tracer, rank, [term(tracer, call.args[0]), lifted(tracer, term(tracer, call.args[1]))]
    )
    if tracer.signal(value) is not None:
        raise Unknown("a channel enters as a parameter of the operation")
    stays = not isinstance(value, Tensor) and value == 0 and tracer.signal(call.args[0]) is not None
    return met if stays else tracer.channels.derive([required(met)], fed=True)


def _by_others(tracer: Tracer, call: Call) -> Signal:
    """Return the signal where exponents or bounds are tensors: alive whatever it was."""
    terms = [term(tracer, one) for one in call.args if isinstance(one, Tensor)]
    met = required(summed(tracer, call.out.ndim, terms))
    if call.name in ("pow", "remainder", "fmod") and _breaks_at_zero(tracer, call, terms, met):
        never_dead(tracer, met, f"{call.name} may not be finite where channels are dead")
    return tracer.channels.derive([met], fed=True)


def _breaks_at_zero(tracer: Tracer, call: Call, terms: list[Term], met: Tensor) -> bool:
    """Tell whether zero may be raised to a negative power, or divided by."""
    if len(terms) == 1:  # a number to the power of channels
        return False
    (base, other), is_power = terms, call.name == "pow"
    if is_power and base.signal is not None and not may_be_zero(tracer, base.signal):
        return False
    if other.signal is not None:
        return is_power != may_be_zero(tracer, other.signal)
    value = admit(tracer, other.value, met)
    return not value >= 0 if is_power else value == 0


def _of_zero(call: Call) -> float | None:
    """Return the number that a call makes of zero, with the bounds or the exponent it was given.

    Returns:
        None where that cannot be told.
    """
    # Exact zeros decide here: 0 ** 0 is 1, and a clamp
    # that excludes 0 makes a dead channel constant.
    first = call.args[0]
    if not isinstance(first, Tensor):  # ``pow`` of a number
        return None
    try:
        zero = call.func(torch.zeros((), dtype=first.dtype), *call.args[1:], **call.kwargs)
    except (RuntimeError, TypeError):
        return None
    return float(zero.abs() if zero.is_complex() else zero) if isinstance(zero, Tensor) else None


@rule("_prelu_kernel", "prelu")
def prelu(tracer: Tracer, call: Call) -> Signal:
    """A slope for each channel."""
    signal = required(tracer.signal(call.args[0]))
    hold(tracer, call.args[1], signal)
    return signal


@rule("zero", "fill")
def filled(tracer: Tracer, call: Call) -> Signal:
    """One number everywhere; but for zero, channels are constant."""
    signal = required(tracer.signal(call.args[0]))
    if call.name == "zero" or call.args[1] == 0:
        return signal
    return tracer.channels.derive([signal], fed=True)
