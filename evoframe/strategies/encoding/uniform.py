"""Uniform random synapses, as StochasticNet draws them (arXiv 1508.05463)."""

from __future__ import annotations

from typing import ClassVar

import attrs
import numpy as np
import torch

from evoframe.kernel.context import Context
from evoframe.kernel.dna import DNA, Genes, Inheritance
from evoframe.kernel.evidence import Evidence
from evoframe.roles import Encoding


@attrs.frozen
class Uniform(Encoding):
    """Every synapse is equally likely to be kept: the random baseline."""

    name: ClassVar[str] = "uniform"
    traits: ClassVar[frozenset[str]] = frozenset({"stochastic"})

    def encode(self, inheritance: Inheritance, evidence: Evidence, context: Context) -> DNA:
        """Return P = 1 for each eligible synapse; the environment says how many may live."""
        # One level, with the logarithm of 1.
        certain = np.zeros(1)
        return DNA(
            {
                name: Genes(torch.zeros_like(eligible, dtype=torch.int32), certain, eligible)
                for name, eligible in inheritance.eligible.items()
            }
        )
