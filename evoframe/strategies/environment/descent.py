"""Descent: one way down for a whole run, steep at first and gentle at the end.

In generation g (the ancestor's is 1) at most this many of the ancestor's N synapses may live:

    N * share ^ (((g - 1) / generations) ^ bend)

With bend = 1 every generation keeps the same part of the one before, like `retention`. With less,
the first generations lose most, where nearly nothing depends on it, and the last ones little,
where every synapse has to be chosen with care; gradual magnitude pruning (1710.01878) bends its
schedule for the same reason. After the generations that it names nothing more has to go.
"""

from __future__ import annotations

import math
from typing import ClassVar

import attrs

from evoframe.kernel.context import Context
from evoframe.kernel.dna import DNA, Inheritance
from evoframe.kernel.genotype import count
from evoframe.roles import Environment, doc
from evoframe.strategies.environment.retention import Retention


@attrs.frozen
class Descent(Environment):
    """Reduces synapses to a share of the ancestor's, along a curve over generations."""

    name: ClassVar[str] = "descent"
    dial: ClassVar[str] = "share"

    share: float = attrs.field(
        default=0.01,
        validator=[attrs.validators.gt(0), attrs.validators.le(1)],
        metadata=doc("share of the ancestor's synapses that remains at the end"),
    )
    generations: int = attrs.field(
        default=10,
        validator=attrs.validators.ge(1),
        metadata=doc("number of generations until the share is reached"),
    )
    bend: float = attrs.field(
        default=0.5,
        validator=[attrs.validators.gt(0), attrs.validators.le(1)],
        metadata=doc(
            "shape of the curve: 1 is uniform, less is steep at first and gentle at the end"
        ),
    )

    def allowance(self, inheritance: Inheritance, context: Context) -> float:
        """Return the synapses that the generation may have, or all that are eligible if fewer."""
        done = min((context.generation - 1) / self.generations, 1.0)
        whole = count(context.ancestor.masks)
        return min(whole * math.pow(self.share, done**self.bend), count(inheritance.eligible))

    def press(self, dna: DNA, inheritance: Inheritance, context: Context) -> DNA:
        """Return DNA that keeps on average what the generation is allowed."""
        eligible = count(inheritance.eligible)
        left = self.allowance(inheritance, context) / eligible if eligible else 0.0
        return Retention(retention=left).press(dna, inheritance, context)
