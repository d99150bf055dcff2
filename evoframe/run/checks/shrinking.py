"""Shrinking: whether tensors become smaller, and what to say at once where they do not."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from evoframe.anatomy import Anatomy
from evoframe.anatomy.held import Held, given_out, held_back
from evoframe.anatomy.remedies import remedy
from evoframe.errors import shortened
from evoframe.kernel.individual import Individual
from evoframe.kernel.sizes import did_shrink, fewer_in_words

FIRST = 2
"""The generation of the ancestor's offspring."""

MUCH = 0.1
"""From which share of a network on a barrier is the reason why nothing shrinks."""

WHOLE_CHANNELS = (
    "encoding 'cluster' with encoding.of=bundle, or environment 'budget', takes channels"
)


def share_in_words(held: Held) -> str:
    """Return the share that a barrier holds back, in per cent."""
    flops = "" if held.flops is None else f" and {held.flops:.0%} of the FLOPs"
    return f"at least {held.parameters:.0%} of the parameters{flops}"


def nothing_can_leave(anatomy: Anatomy) -> str:
    """Return a sentence for a network that keeps all its channels; empty for another."""
    everything = torch.ones_like(anatomy.bundles.kept)
    if anatomy.bundles.count(everything):
        return ""
    return (
        "no channel can be removed from this network, so no tensor will shrink. "
        f"{_because(anatomy)}"
    )


def not_so_far(members: Sequence[Individual], ancestor: Individual, anatomy: Anatomy) -> str:
    """Return a sentence if the tensors of the first offspring are the ancestor's; else nothing.

    It holds as long as nothing smaller is born, and so it is said and not put on record.
    """
    if members[0].generation != FIRST:
        return ""
    found = did_not_shrink(members, ancestor, anatomy)
    return f"so far, {found}" if found else ""


def did_not_shrink(members: Sequence[Individual], ancestor: Individual, anatomy: Anatomy) -> str:
    """Return a sentence if some have fewer synapses and none smaller tensors; else nothing."""
    alive = [one.fitness.costs for one in members if one.fitness is not None]
    assert ancestor.fitness is not None
    whole = ancestor.fitness.costs
    smaller = [one for one in alive if one["synapses"] < whole["synapses"]]
    everything = torch.ones_like(anatomy.bundles.kept)
    if not anatomy.bundles.count(everything):
        return ""  # which was said when the run began
    if not smaller or any(did_shrink(one, whole) for one in alive):
        return ""
    least = min(smaller, key=lambda one: one["parameters"])
    return (
        f"tensors did not shrink: {fewer_in_words(least, whole)}, and synapses absent inside "
        f"tensors are masked to zero, which saves neither memory nor time. {_because(anatomy)}"
    )


def _because(anatomy: Anatomy) -> str:
    """Return the barrier that holds back most with its remedy, or who else is to blame."""
    worst = worst_of(anatomy)
    if not worst:
        return f"No operation is in the way; {WHOLE_CHANNELS}."
    return f"{worst}; `evoframe inspect` lists the rest."


def worst_of(anatomy: Anatomy, much: float = MUCH) -> str:
    """Return the barrier that holds back most, with its remedy; empty if none holds back much.

    Where no channel at all can leave, the first barrier is told: what is not known of any channel
    has no share.
    """
    held = held_back(anatomy)
    if not held or held[0].share < much:
        if anatomy.barriers and not anatomy.bundles.count(torch.ones_like(anatomy.bundles.kept)):
            first = anatomy.barriers[0]
            return f"The obstacle is {first.what} ({first.reason}). Try: {remedy(first)}"
        return ""
    worst = held[0]
    return (
        f"The main obstacle is {worst.barrier.what} ({worst.barrier.reason}): "
        f"{share_in_words(worst)}. Try: {remedy(worst.barrier)}"
    )


def outputs(anatomy: Anatomy) -> str:
    """Return a sentence on layers whose channels are outputs of the network; empty if none are."""
    if not (layers := given_out(anatomy)):
        return ""
    return (
        f"channels of {shortened(layers)} stay because the network gives them out. If you "
        "need only some of its outputs, let it give no others, such as a cache of keys and values."
    )
