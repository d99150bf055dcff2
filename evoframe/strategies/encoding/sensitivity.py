"""Sensitivity: how much the loss feels a synapse.

    gradient   |w| * sqrt(E[G^2])   with G the gradient of a batch
    fisher     |w| * sqrt(E[g^2])   with g the gradient of one example
    taylor     |w * E[g]|

``fisher`` is the root of w^2 F, twice what removing the synapse costs to second order if the
empirical Fisher information F stands for the curvature (1801.05787). ``taylor`` is that
cost to first order (1611.06440), and SNIP's connection sensitivity (1810.02340). At a
minimum E[g] is nearly zero and says little; ``gradient`` lies between: batches average part of
the noise away.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

import attrs
from torch import Tensor

from evoframe.kernel.context import Context
from evoframe.kernel.dna import DNA, Inheritance
from evoframe.kernel.evidence import Evidence
from evoframe.roles import Encoding, doc
from evoframe.strategies.encoding.ranking import Scope, by_rank


@attrs.frozen
class Sensitivity(Encoding):
    """Keeps the synapses with the highest sensitivity: |w| times a measure of its gradient."""

    name: ClassVar[str] = "sensitivity"
    traits: ClassVar[frozenset[str]] = frozenset({"ranks"})

    of: Literal["gradient", "fisher", "taylor"] = attrs.field(
        default="gradient",
        metadata=doc(
            "factor of |w|: the root mean square of batch gradients or of single examples' "
            "gradients, or the absolute mean gradient"
        ),
    )
    batches: int = attrs.field(
        default=20,
        validator=attrs.validators.ge(1),
        metadata=doc("training batches for measuring gradients"),
    )
    examples: int = attrs.field(
        default=200,
        validator=attrs.validators.ge(1),
        metadata=doc("training examples for 'fisher', which processes them one by one"),
    )
    scope: Scope = attrs.field(
        default="network",
        metadata=doc("compare scores over the whole network, or relative to their layer's largest"),
    )

    def encode(self, inheritance: Inheritance, evidence: Evidence, context: Context) -> DNA:
        """Return DNA that ranks synapses by their sensitivity."""
        felt = self._felt(evidence)
        scores = {
            name: inheritance.strengths[name].abs() * felt[name] for name in inheritance.eligible
        }
        return by_rank(scores, inheritance, self.scope)

    def _felt(self, evidence: Evidence) -> Mapping[str, Tensor]:
        if self.of == "taylor":
            means = evidence.mean_gradient(batches=self.batches)
            return {name: value.abs() for name, value in means.items()}
        if self.of == "fisher":
            squares = evidence.mean_squared_gradient(batches=self.examples, batch_size=1)
        else:
            squares = evidence.mean_squared_gradient(batches=self.batches)
        return {name: value.sqrt() for name, value in squares.items()}
