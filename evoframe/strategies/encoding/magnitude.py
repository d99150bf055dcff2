"""Magnitude: the limit T -> 0 of the synaptic law, and the field's common baseline."""

from __future__ import annotations

from typing import ClassVar

import attrs

from evoframe.kernel.context import Context
from evoframe.kernel.dna import DNA, Inheritance
from evoframe.kernel.evidence import Evidence
from evoframe.roles import Encoding, doc
from evoframe.strategies.encoding.ranking import Scope, by_rank


@attrs.frozen
class Magnitude(Encoding):
    """Magnitude pruning: the strongest synapses are kept."""

    name: ClassVar[str] = "magnitude"
    traits: ClassVar[frozenset[str]] = frozenset({"ranks"})

    scope: Scope = attrs.field(
        default="network",
        metadata=doc(
            "compare weights over the whole network, or relative to their layer's largest"
        ),
    )

    def encode(self, inheritance: Inheritance, evidence: Evidence, context: Context) -> DNA:
        """Return DNA that ranks synapses by the magnitude of their weights."""
        scores = {name: inheritance.strengths[name].abs() for name in inheritance.eligible}
        return by_rank(scores, inheritance, self.scope)
