"""Reductions, and sums that run along an axis."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from evoframe.anatomy.channels.calls import Call
from evoframe.anatomy.channels.signals import varying
from evoframe.anatomy.rules.blocks import fix, mixed
from evoframe.anatomy.rules.rule import Signal, Tracer, Unknown, required, rule

LIFTS = frozenset({"argmax", "argmin"})
"""Reductions of zeros that are places."""

AVERAGES = frozenset({"mean", "var", "std", "var_mean", "std_mean", "nanmean"})
"""Reductions that count what they reduce, so a dead channel more or less changes them."""

LAST_BY_DEFAULT = frozenset({"median", "nanmedian", "mode", "kthvalue"})
"""Reduce the last axis unless they are told another."""


@rule(
    "mean", "nanmean", "sum", "nansum", "amax", "amin", "max", "min", "aminmax", "var", "std",
    "var_mean", "std_mean", "linalg_vector_norm", "norm", "prod", "logsumexp", "argmax", "argmin",
    "any", "all", "count_nonzero", "median", "nanmedian", "mode", "kthvalue",
)  # fmt: skip
def reductions(tracer: Tracer, call: Call) -> Signal:
    """Reduces axes: of channels only sums and norms can; groups of channels leave as a whole."""
    signal = required(tracer.signal(call.args[0]))
    dims = reduced(call, signal.ndim)
    over = [dim for dim in dims if dim in varying(signal)]
    if over and set(varying(signal)) <= set(dims):
        _swallow(tracer, call, signal)
        return None
    if over:
        signal = _by_groups(tracer, call, signal, over)
    # ``max`` along an axis gives values and indices; the rule speaks of the first output.
    out = call.out[0] if isinstance(call.out, tuple) else call.out
    if out.ndim != signal.ndim:
        signal = signal.reshape([size for dim, size in enumerate(signal.shape) if dim not in dims])
    if call.name == "logsumexp":  # of zeros it tells no more than how many there are
        return tracer.channels.derive_constant(signal)
    if call.name in LIFTS:
        return tracer.channels.derive([signal], fed=True)
    several = call.name in ("var_mean", "std_mean", "aminmax")
    return [signal, signal] if several else signal


def reduced(call: Call, rank: int) -> list[int]:
    """Return the axes that a call reduces, counted from the first."""
    # norms are given their order first, and their axes after it
    place = 2 if call.name in ("linalg_vector_norm", "norm", "kthvalue") else 1
    given: Any = call.argument(place, "dim")
    if isinstance(given, bool):  # ``var(x, unbiased)`` reduces everything
        given = None
    if call.name in LAST_BY_DEFAULT and given is None and isinstance(call.out, tuple):
        given = -1
    dims = [given] if isinstance(given, int) else list(given or range(rank))
    return [dim % rank for dim in dims]


def _swallow(tracer: Tracer, call: Call, signal: Tensor) -> None:
    """Let all channels be read together, where dead ones among them make no difference."""
    averages = tracer.approximate and call.name in AVERAGES
    # A zero adds nothing to a sum or a norm; it counts in a mean, and may be the largest.
    if not (adds(call) and tracer.channels.are_zero(signal)) and not averages:
        raise Unknown(f"{call.name} mixes channels")
    tracer.channels.mark_read(signal)


def adds(call: Call) -> bool:
    """Tell whether a zero changes nothing; a norm of negative order is the smallest entry."""
    if call.name in ("linalg_vector_norm", "norm"):
        order = call.argument(1, "ord" if call.name == "linalg_vector_norm" else "p", 2)
        return order is None or (isinstance(order, int | float) and order >= 0)
    return call.name in ("sum", "nansum", "count_nonzero", "any")


def _by_groups(tracer: Tracer, call: Call, signal: Tensor, over: list[int]) -> Tensor:
    """Return the channels of groups of channels that are reduced together, as by a maxout.

    A dead one among them may be the largest, and counts in a mean: groups leave as a whole. A sum
    can do without any of them.
    """
    if not (adds(call) and tracer.channels.are_zero(signal)):
        fix(tracer, signal, over)
    return mixed(tracer, signal, over)


@rule(
    "roll", "cumsum", "cumprod", "cummax", "cummin", "logcumsumexp", "topk", "sort", "argsort",
    "_fft_r2c", "_fft_c2r", "_fft_c2c", "tril", "triu",
)  # fmt: skip
def along_others(tracer: Tracer, call: Call) -> Signal:
    """Follows positions of an axis; those of channels would be other ones with fewer of them."""
    signal = required(tracer.signal(call.args[0]))
    if set(_followed(call, signal.ndim)) & set(varying(signal)):
        raise Unknown("what comes out depends on the positions of channels")
    if call.name == "logcumsumexp":
        return tracer.channels.derive_constant(signal)
    return tracer.channels.derive([signal], fed=True) if call.name == "argsort" else signal


def _followed(call: Call, rank: int) -> list[int]:
    """Return the axes along which a call follows positions."""
    if call.name in ("tril", "triu"):
        return [rank - 2, rank - 1]
    dims: Any = call.argument(1, "dim", -1)
    if call.name in ("roll", "topk"):
        dims = call.argument(2, "dims", ()) if call.name == "roll" else call.argument(2, "dim", -1)
    dims = [dims] if isinstance(dims, int) else list(dims) or list(range(rank))
    return [dim % rank for dim in dims]
