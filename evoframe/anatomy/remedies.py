"""Remedies: what a person can do about a barrier."""

from __future__ import annotations

from evoframe.anatomy.trace import Barrier

SIZES = (
    "take sizes from the tensor that is reshaped (a -1, or x.flatten(1)), not from numbers in the "
    "code or from another tensor"
)

REMEDIES = {
    "in training, a smaller network computes something else: RuntimeError": (
        "take off layers that only training runs, such as auxiliary heads, before the cut"
    ),
    "forward pass on the meta device": (
        "write the forward pass so that it runs on torch's meta device, where no value is known"
    ),
    "slices of a parameter together": (
        "compute it slice by slice; make plain weights of those that a layer computes in every pass"
    ),
    "norm": "anatomy.approximate=true, in runs, lets channels leave that a norm averages over",
    "mean": "anatomy.approximate=true, in runs, lets channels leave that a mean averages over",
    "is used in two ways": "give each use a parameter of its own, or let other layers evolve",
    "synapses and as something else": "give each use a parameter of its own",
    "values that come of channels are read": "let paths hang on inputs, not on hidden channels",
    "was not met for the example inputs": "give example inputs that go through it",
    "avg_pool3d": (
        "anatomy.approximate=true, in runs, lets channels leave that a local norm looks at"
    ),
    "divided by channels": "divide by something that is never zero, such as 1 + x.abs()",
    "MultiheadAttention": "write the attention with linear layers",
    "softmax mixes channels": (
        "weigh each channel by itself, as sigmoid does, or take the softmax over another axis"
    ),
    "a computed tensor has one element": (
        "mend an earlier step first, if one is not understood; else make this tensor of a "
        "parameter or a buffer"
    ),
    "removed in this pattern": (
        f"nothing, where these are the dimensions of heads, of which whole ones leave; else {SIZES}"
    ),
    "is invalid for input of size": SIZES,
    "was due": SIZES,
    "by their positions": "take channels by layers of their own and not by their positions",
}
"""Words in the text of a barrier, and what helps there."""

OTHERWISE = "write that step so that every channel goes its own way"


def remedy(barrier: Barrier) -> str:
    """Return a remedy for a barrier, in words."""
    text = f"{barrier.operation} {barrier.reason}"
    return next((advice for words, advice in REMEDIES.items() if words in text), OTHERWISE)
