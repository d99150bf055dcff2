"""Synaptic probability model of "Deep Learning with Darwin" (arXiv 1606.04393).

    P(s) = exp((|w| / z - 1) / T)

with z a normaliser for each layer. T = 1 is the paper's law, in which the strongest synapse is
only e times likelier to survive than the weakest; T -> 0 tends to magnitude pruning, T -> infinity
to a uniform draw. The paper writes w; read literally, strong negative weights would be the least
likely of all, so the magnitude is meant.
"""

from __future__ import annotations

from typing import ClassVar, Literal

import attrs
import numpy as np
from torch import Tensor

from evoframe.kernel.context import Context
from evoframe.kernel.dna import DNA, Genes, Inheritance
from evoframe.kernel.evidence import Evidence
from evoframe.kernel.genotype import Masks, State
from evoframe.kernel.levels import even_levels, even_scores, largest_magnitudes
from evoframe.roles import Encoding, doc


@attrs.frozen
class Synaptic(Encoding):
    """Strong synapses are more likely to be kept, by the law of 1606.04393."""

    name: ClassVar[str] = "synaptic"
    traits: ClassVar[frozenset[str]] = frozenset({"stochastic"})

    temperature: float = attrs.field(
        default=1.0,
        validator=attrs.validators.gt(0),
        metadata=doc("temperature of the law; 1 is the paper's, near 0 keeps the strongest"),
    )
    normaliser: Literal["max", "percentile", "deviation"] = attrs.field(
        default="max",
        metadata=doc("normaliser of a layer's weights; larger weights are clipped to it"),
    )
    percentile: float = attrs.field(
        default=99.9,
        validator=[attrs.validators.gt(0), attrs.validators.le(100)],
        metadata=doc("percentile of |w| for the normaliser 'percentile'"),
    )
    deviations: float = attrs.field(
        default=3.0,
        validator=attrs.validators.gt(0),
        metadata=doc("number of standard deviations for the normaliser 'deviation'"),
    )

    def encode(self, inheritance: Inheritance, evidence: Evidence, context: Context) -> DNA:
        """Return P(s) for each eligible synapse from its own strength."""
        table = (even_scores() - 1.0) / self.temperature
        scales = self._normalisers(inheritance.strengths, inheritance.eligible)
        genes = {}
        for name, eligible in inheritance.eligible.items():
            levels = even_levels(inheritance.strengths[name], scales[name], magnitudes=True)
            genes[name] = Genes(levels, table, eligible)
        return DNA(genes)

    def _normalisers(self, strengths: State, eligible: Masks) -> dict[str, float]:
        if self.normaliser == "max":
            return largest_magnitudes(strengths, eligible)
        return {name: self._normaliser(strengths[name][mask]) for name, mask in eligible.items()}

    def _normaliser(self, strengths: Tensor) -> float:
        if strengths.numel() == 0:
            return 1.0
        # Sums and interpolation round differently on other devices: done on the host, in float64.
        values = strengths.detach().abs().cpu().double().numpy()
        if self.normaliser == "percentile":
            return float(np.percentile(values, self.percentile, method="lower"))
        return self.deviations * float(np.sqrt(np.mean(values**2)))
