"""Sensitivity: how much the loss feels a synapse.

Score |w| * sqrt(E[g^2]), with the expectation over training batches of the gradient g: the root
of the first-order (empirical Fisher) estimate of what removing the synapse costs.
"""

from __future__ import annotations

from typing import ClassVar

import attrs

from evoframe.kernel.dna import DNA, Inheritance
from evoframe.kernel.evidence import Evidence
from evoframe.roles import Encoding, doc
from evoframe.strategies.encoding.ranking import Scope, by_rank


@attrs.frozen
class Sensitivity(Encoding):
    """The synapses that the loss feels most live: |w| times root mean squared gradient."""

    name: ClassVar[str] = "sensitivity"
    traits: ClassVar[frozenset[str]] = frozenset({"ranks"})

    batches: int = attrs.field(
        default=20,
        validator=attrs.validators.ge(1),
        metadata=doc("training batches to measure gradients on"),
    )
    scope: Scope = attrs.field(
        default="network",
        metadata=doc("compare scores across the network, or as shares of their layer's largest"),
    )

    def encode(self, inheritance: Inheritance, evidence: Evidence) -> DNA:
        """Return DNA that ranks synapses by their sensitivity."""
        squares = evidence.mean_squared_gradient(batches=self.batches)
        scores = {
            name: inheritance.strengths[name].abs() * squares[name].sqrt()
            for name in inheritance.eligible
        }
        return by_rank(scores, inheritance, self.scope)
