"""Reductions, and sums that run along an axis."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from evoframe.anatomy.channels.calls import Call
from evoframe.anatomy.channels.signals import varying
from evoframe.anatomy.rules.blocks import fix, mixed, within
from evoframe.anatomy.rules.rule import Signal, Tracer, Unknown, required, rule


@rule(
    "mean", "sum", "amax", "amin", "max", "min", "var", "std", "linalg_vector_norm", "norm", "prod"
)
def reductions(tracer: Tracer, call: Call) -> Signal:
    """Reduces axes; along a channel's axis only a sum is the same without dead channels."""
    signal = required(tracer.signal(call.args[0]))
    # norms are given their order first, and their axes after it
    place = 2 if call.name in ("linalg_vector_norm", "norm") else 1
    dims = call.argument(place, "dim")
    dims = [dims] if isinstance(dims, int) else list(dims or range(signal.ndim))
    dims = [dim % signal.ndim for dim in dims]
    if set(dims) & set(varying(signal)):
        if within(signal, dims):
            return _within_blocks(tracer, call, signal, dims)
        averages = tracer.approximate and call.name in ("mean", "var", "std")
        # A zero adds nothing to a sum or a norm; it counts in a mean, and may be the largest.
        if not _adds(call) and not averages:
            raise Unknown(f"{call.name} mixes channels")
        tracer.channels.mark_read(signal)
        return None
    return _reduced(call, signal, dims)


def _within_blocks(tracer: Tracer, call: Call, signal: Tensor, dims: Sequence[int]) -> Tensor:
    """Return the signal of what is left of each head when its dimensions are reduced."""
    # What adds zeros, adds nothing; a mean counts them, so their number has to stay.
    if call.name not in ("sum", "linalg_vector_norm"):
        fix(tracer, signal, dims)
    return _reduced(call, mixed(tracer, signal, dims), dims)


def _reduced(call: Call, signal: Tensor, dims: Sequence[int]) -> Tensor:
    # ``max`` along an axis gives values and indices; the rule speaks of the first output.
    out = call.out[0] if isinstance(call.out, tuple) else call.out
    if out.ndim == signal.ndim:
        return signal
    return signal.reshape([size for dim, size in enumerate(signal.shape) if dim not in dims])


def _adds(call: Call) -> bool:
    """Tell whether a zero changes nothing; a norm of negative order is the smallest entry."""
    if call.name == "linalg_vector_norm":
        return bool(call.argument(1, "ord", 2) >= 0)
    return call.name == "sum"


@rule("roll", "cumsum", "cumprod")
def along_others(tracer: Tracer, call: Call) -> Signal:
    """Follows positions of an axis; those of channels would be other ones with fewer of them."""
    signal = required(tracer.signal(call.args[0]))
    dims = call.argument(2, "dims", ()) if call.name == "roll" else call.argument(1, "dim")
    dims = [dims] if isinstance(dims, int) else list(dims) or list(range(signal.ndim))
    if {dim % signal.ndim for dim in dims} & set(varying(signal)):
        raise Unknown("what comes out depends on the positions of channels")
    return signal
