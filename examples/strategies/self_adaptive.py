"""Self-adaptation: the pressure on an offspring is inherited, varied, and selected with it.

Chosen as ``--environment self_adaptive.py:SelfAdaptive``.
"""

from __future__ import annotations

import math
from typing import ClassVar

import attrs
import torch

from evoframe.plugin import DNA, Context, Environment, Inheritance, Retention, doc


@attrs.frozen
class SelfAdaptive(Environment):
    """Applies the parent's pressure to each offspring, slightly varied."""

    name: ClassVar[str] = "self-adaptive"
    traits: ClassVar[frozenset[str]] = frozenset({"stochastic"})

    start: float = attrs.field(
        default=0.8,
        validator=[attrs.validators.gt(0), attrs.validators.lt(1)],
        metadata=doc("share kept in the first offspring"),
    )
    rate: float = attrs.field(
        default=0.3,
        validator=attrs.validators.ge(0),
        metadata=doc("standard deviation of a step, in log-odds of the share"),
    )

    def press(self, dna: DNA, inheritance: Inheritance, context: Context) -> DNA:
        """Return pressed DNA, with the share that was used noted for its offspring."""
        share = self._share(context)
        pressed = Retention(share).press(dna, inheritance, context)
        return attrs.evolve(pressed, notes={"share": share})

    def _share(self, context: Context) -> float:
        before = float(context.notes.get("share", self.start))
        step = torch.randn((), generator=context.key.generator(), dtype=torch.float64)
        odds = math.log(before / (1 - before)) + self.rate * float(step)
        # Kept from where an offspring could not live, or could not shrink.
        return min(max(1 / (1 + math.exp(-odds)), 0.3), 0.99)
