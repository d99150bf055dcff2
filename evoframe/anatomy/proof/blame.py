"""Blame: which of many removals break a forward pass, found by halves."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import attrs
import torch
from torch import Tensor

from evoframe.anatomy.plan import Plan
from evoframe.anatomy.plan.check import Mismatch
from evoframe.anatomy.proof.probes import Probe, left_by, pattern

Blame = tuple[Probe, Mismatch]
"""A probe that breaks the forward pass, and how it does."""


Try = Callable[[Tensor], Mismatch | None]
"""Tells what goes wrong when only these channels stay, a bool for each; None if nothing does."""


def blamed(plan: Plan, some: Sequence[Probe], tried: Try) -> list[Blame]:
    """Return the probes that break the forward pass, each with what was seen.

    What breaks in one module is taken to break in all modules of its class: keeping more than
    is needed is safe, and a network of many equal blocks is not searched block by block.

    Args:
        plan: from which to remove.
        some: the removals, made all at once first.
        tried: what is asked of each set of removals.
    """
    found: list[Blame] = []
    left = list(some)
    while left and (mismatch := tried(left_by(plan.bundles, left))):
        near = _suspects(plan, left, mismatch)
        # Halving costs a forward pass for each half, and the culprit is most often where it fails.
        culprits = _searched(plan, near, tried) or _searched(plan, left, tried)
        culprits = culprits or [(probe, mismatch) for probe in left]
        like = {pattern(plan, probe): seen for probe, seen in culprits}
        found += [(one, like[same]) for one in left if (same := pattern(plan, one)) in like]
        left = [probe for probe in left if pattern(plan, probe) not in like]
    return found


def _suspects(plan: Plan, some: Sequence[Probe], found: Mismatch) -> list[Probe]:
    """Return the probes that remove channels which the failing call, or one before it, carries."""
    near = torch.zeros_like(plan.bundles.kept)
    near[plan.channels_near(found)] = True
    return [probe for probe in some if bool(near[probe.gone].any())]


def _searched(plan: Plan, some: Sequence[Probe], tried: Try) -> list[Blame]:
    """Return the probes to blame, found by halves; none if these together break nothing."""
    if not some or (found := tried(left_by(plan.bundles, some))) is None:
        return []
    if len(some) == 1:
        return [(some[0], found)]
    half = len(some) // 2
    culprits = _searched(plan, some[:half], tried) + _searched(plan, some[half:], tried)
    # Each half alone is fine and both together are not: nobody in particular is to blame.
    together = attrs.evolve(found, reason=f"with others, {found.reason}")
    return culprits or [(probe, together) for probe in some]
