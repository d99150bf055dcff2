"""Removal: the environmental factor model of the papers of 2018, R in 50 to 95 %.

Up to 2017 R is the share of synapses that is retained. In "Nature vs. Nurture" (1802.03318) and
"Mitigating Architectural Mismatch" (1811.07966) "a lower environmental factor model" makes the
"more gradual loss", and their first offspring keep about 1 - R of their parents' storage: there
R is the share that must go. This strategy is `retention` with retention = 1 - R.
"""

from __future__ import annotations

from typing import ClassVar, Literal

import attrs

from evoframe.kernel.context import Context
from evoframe.kernel.dna import DNA, Inheritance
from evoframe.roles import Encoding, Environment, doc
from evoframe.strategies.environment.retention import Retention


@attrs.frozen
class Removal(Environment):
    """Removes at least a share of the synapses that the parents offer."""

    name: ClassVar[str] = "removal"

    removal: float = attrs.field(
        default=0.5,
        validator=[attrs.validators.ge(0), attrs.validators.le(1)],
        metadata=doc("share of the eligible synapses to remove, 0 to 1 (R in the papers)"),
    )
    mode: Literal["multiplicative", "calibrated", "hard-cap"] = attrs.field(
        default="calibrated",
        metadata=doc(
            "multiply probabilities by 1 - R, keep the share 1 - R on average, or never exceed it"
        ),
    )
    scope: Literal["network", "layer"] = attrs.field(
        default="network",
        metadata=doc("one budget for the whole network, or the same share for every layer"),
    )
    clusters: float | None = attrs.field(
        default=None,
        validator=attrs.validators.optional([attrs.validators.ge(0), attrs.validators.lt(1)]),
        metadata=doc("share removed as whole clusters; default: as much as within clusters"),
    )

    @property
    def retention(self) -> Retention:
        """The same environment, said the other way round."""
        clusters = None if self.clusters is None else 1 - self.clusters
        return Retention(1 - self.removal, self.mode, self.scope, clusters)

    def check(self, encoding: Encoding) -> None:
        """Refuse to take probabilities at their word where only their order counts."""
        self.retention.check(encoding)

    def allowance(self, inheritance: Inheritance, context: Context) -> float:
        """Return the share of all eligible synapses that need not go."""
        return self.retention.allowance(inheritance, context)

    def press(self, dna: DNA, inheritance: Inheritance, context: Context) -> DNA:
        """Return DNA that loses the share of ``inheritance.eligible``."""
        return self.retention.press(dna, inheritance, context)
