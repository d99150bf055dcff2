"""Blame: which of many removals break a forward pass, found by halves."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from evoframe.anatomy.plan import Plan
from evoframe.anatomy.plan.check import Mismatch
from evoframe.anatomy.proof.probes import Probe, left_by, pattern

Blame = tuple[Probe, str]
"""A probe that breaks the forward pass, and the reason in words."""


def blamed(plan: Plan, some: Sequence[Probe]) -> list[Blame]:
    """Return the probes that break the forward pass, each with the reason.

    What breaks in one module is taken to break in all modules of its class: keeping more than
    is needed is safe, and a network of many equal blocks is not searched block by block.
    """
    found: list[Blame] = []
    left = list(some)
    while left and (mismatch := _tried(plan, left)):
        near = _suspects(plan, left, mismatch)
        # Halving costs a forward pass for each half, and the culprit is most often where it fails.
        culprits = _searched(plan, near) or _searched(plan, left)
        culprits = culprits or [(probe, mismatch.reason) for probe in left]
        like = {pattern(plan, probe): reason for probe, reason in culprits}
        found += [(one, like[same]) for one in left if (same := pattern(plan, one)) in like]
        left = [probe for probe in left if pattern(plan, probe) not in like]
    return found


def _tried(plan: Plan, some: Sequence[Probe]) -> Mismatch | None:
    return plan.check(left_by(plan.bundles, some))


def _suspects(plan: Plan, some: Sequence[Probe], found: Mismatch) -> list[Probe]:
    """Return the probes that remove channels which the failing call, or one before it, carries."""
    near = torch.zeros_like(plan.bundles.kept)
    near[plan.channels_near(found)] = True
    return [probe for probe in some if bool(near[probe.gone].any())]


def _searched(plan: Plan, some: Sequence[Probe]) -> list[Blame]:
    """Return the probes to blame, found by halves; none if these together break nothing."""
    if not some or (found := _tried(plan, some)) is None:
        return []
    if len(some) == 1:
        return [(some[0], found.reason)]
    half = len(some) // 2
    culprits = _searched(plan, some[:half]) + _searched(plan, some[half:])
    # Each half alone is fine and both together are not: nobody in particular is to blame.
    return culprits or [(probe, f"with others, {found.reason}") for probe in some]
