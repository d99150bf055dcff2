"""Complex numbers: a pair of channels becomes one, as rotary positions are often written."""

from __future__ import annotations

from evoframe.anatomy.channels.calls import Call
from evoframe.anatomy.channels.signals import varying
from evoframe.anatomy.rules.blocks import fix, within
from evoframe.anatomy.rules.rule import Signal, Tracer, Unknown, required, rule


@rule("view_as_complex")
def pairs(tracer: Tracer, call: Call) -> Signal:
    """The two of a pair become one number, which lives while any of them does."""
    signal = required(tracer.signal(call.args[0]))
    last = signal.ndim - 1
    if last not in varying(signal):
        return signal.squeeze(-1)
    if not within(signal, [last]):
        raise Unknown("a single pair of channels becomes one number")
    fix(tracer, signal, [last])
    return tracer.channels.derive(list(signal.unbind(-1)))


@rule("view_as_real")
def numbers(tracer: Tracer, call: Call) -> Signal:
    """One number becomes a pair; both are its channel."""
    return required(tracer.signal(call.args[0])).unsqueeze(-1)


@rule("_conj", "_conj_physical", "_neg_view", "resolve_conj", "resolve_neg")
def mirrored(tracer: Tracer, call: Call) -> Signal:
    """Each number by itself; zero stays zero."""
    return tracer.signal(call.args[0])
