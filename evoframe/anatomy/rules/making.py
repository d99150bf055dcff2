"""Tensors that are made like others: of their sizes, with something else in them."""

from __future__ import annotations

from torch import Tensor

from evoframe.anatomy.channels.calls import Call
from evoframe.anatomy.channels.signals import ranked, varying
from evoframe.anatomy.rules.meeting import summed, term
from evoframe.anatomy.rules.rule import Signal, Tracer, required, rule


@rule("new_zeros")
def zeros(tracer: Tracer, call: Call) -> Signal:
    """A place for channels of another tensor; an idle layer says in an attribute how many it gives.

    That is what stands for a layer of a block that left: nobody writes its channels, and where they
    are added to others, they leave with those.
    """
    if (width := tracer.idle_width()) is None:
        return blank(tracer, call)
    attribute, axis = width
    at = call.out.ndim + axis
    channels = tracer.channels.new(call.out.shape[at], fed=False)
    signal = channels.reshape([-1 if one == at else 1 for one in range(call.out.ndim)])
    tracer.counts_here(attribute, signal, at)
    if len(channels) == 1:  # an axis of one is not told from one without channels, nor ever cut
        tracer.channels.keep(channels)
    return signal


@rule("zeros_like", "empty_like", "new_empty")
def blank(tracer: Tracer, call: Call) -> Signal:
    """A place for the channels of another tensor, if it is as wide; nothing of them is in it."""
    return _as_wide(tracer, call)


@rule(
    "ones_like", "full_like", "new_ones", "new_full", "rand_like", "randn_like", "randint_like",
    "bernoulli",
)  # fmt: skip
def filled_like(tracer: Tracer, call: Call) -> Signal:
    """The same with something in it, so that a dead channel is constant."""
    signal = _as_wide(tracer, call)
    return None if signal is None else tracer.channels.derive([signal], fed=True)


@rule("copy")
def copied(tracer: Tracer, call: Call) -> Signal:
    """What is copied brings its channels; a constant keeps those that were there."""
    target, source = (term(tracer, one) for one in call.args[:2])
    if source.signal is not None:
        return ranked(source.signal, call.out.ndim)
    return required(summed(tracer, call.out.ndim, [target, source]))


def _as_wide(tracer: Tracer, call: Call) -> Tensor | None:
    """Return the signal of the tensor whose sizes were taken, where they are those of channels.

    The proof by shapes tells whether the sizes follow.
    """
    signal = tracer.signal(call.args[0])
    if signal is None:
        return None
    new = call.out.ndim - signal.ndim
    if new < 0 or any(call.out.shape[new + axis] != signal.shape[axis] for axis in varying(signal)):
        return None
    return ranked(signal, call.out.ndim)
