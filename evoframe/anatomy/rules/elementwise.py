"""Operations on each element alone: where they map zero to zero, nothing changes."""

from __future__ import annotations

from torch import Tensor

from evoframe.anatomy.channels.calls import Call
from evoframe.anatomy.rules.operands import hold, require_spread
from evoframe.anatomy.rules.rule import Signal, Tracer, Unknown, required, rule


@rule(
    "relu", "relu6", "leaky_relu", "elu", "celu", "selu", "gelu", "silu", "mish", "hardswish",
    "tanh", "abs", "neg", "sign", "sqrt", "square", "sin", "asin", "atan", "sinh", "erf", "floor",
    "ceil", "round", "trunc", "hardshrink", "softshrink", "clone", "alias", "detach", "_to_copy",
    "contiguous", "lift_fresh", "expm1", "log1p",
)  # fmt: skip
def keeps_zero(tracer: Tracer, call: Call) -> Signal:
    """An operation on each element that maps zero to zero: the channels are the same."""
    return tracer.signal(call.args[0])


@rule(
    "sigmoid", "exp", "cos", "softplus", "hardsigmoid", "rsqrt", "reciprocal", "log",
    "log_sigmoid_forward", "masked_fill", "eq", "ne", "gt", "lt", "ge", "le", "bitwise_not",
    "logical_not", "clamp", "clamp_min", "clamp_max", "hardtanh", "threshold", "pow", "cosh",
)  # fmt: skip
def lifts_zero(tracer: Tracer, call: Call) -> Signal:
    """An operation on each element that may map zero elsewhere: a dead channel becomes constant."""
    signal = tracer.signal(call.args[0])
    if signal is None:
        raise Unknown("a channel enters as a parameter of the operation")
    # Masks and bounds: a tensor that is equal for all channels needs no cutting.
    others = [value for value in call.args[1:] if isinstance(value, Tensor)]
    if any(tracer.signal(value) is not None for value in others):
        raise Unknown("channels meet in an operation that is not a sum or a product")
    for value in others:
        require_spread(value, signal)
    if _keeps_zero_here(call):
        return signal
    return tracer.channels.derive([signal], fed=True)


def _keeps_zero_here(call: Call) -> bool:
    """Tell whether a call maps zero to zero with the bounds or the exponent that it was given."""
    # Exact zeros decide here: 0 ** 0 is 1, and a clamp
    # that excludes 0 makes a dead channel constant.
    if call.name == "pow" and isinstance(call.args[1], int | float):
        return bool(call.args[1] > 0)
    if call.name in ("clamp", "hardtanh"):
        defaults = (-1.0, 1.0) if call.name == "hardtanh" else (None, None)
        low = call.argument(1, "min" if call.name == "clamp" else "min_val", defaults[0])
        high = call.argument(2, "max" if call.name == "clamp" else "max_val", defaults[1])
        if isinstance(low, Tensor) or isinstance(high, Tensor):
            return False
        return (low is None or low <= 0) and (high is None or high >= 0)
    if call.name == "clamp_min" and not isinstance(call.args[1], Tensor):
        return bool(call.args[1] <= 0)
    return False


@rule(
    "new_zeros", "zeros_like", "new_ones", "ones_like", "new_full", "full_like", "new_empty",
    "empty_like", "rand_like", "randn_like",
)  # fmt: skip
def nothing_of_it(_tracer: Tracer, _call: Call) -> Signal:
    """Takes a tensor's device and type, at most its shape: what comes out carries no channel."""
    return None


@rule("_prelu_kernel", "prelu")
def prelu(tracer: Tracer, call: Call) -> Signal:
    """A slope for each channel."""
    signal = required(tracer.signal(call.args[0]))
    hold(tracer, call.args[1], signal)
    return signal
