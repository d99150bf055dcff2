"""Narrow: the same network with fewer channels everywhere, dense inside.

The baseline that costs no thought: with fresh weights (heredity.weights = "reinitialise") it is
a small network of the ancestor's shape that never knew the ancestor.
"""

from __future__ import annotations

from typing import ClassVar

import attrs
import numpy as np
import torch

from evoframe.kernel.context import Context
from evoframe.kernel.dna import DNA, Clusters, Genes, Inheritance
from evoframe.kernel.evidence import Evidence
from evoframe.kernel.levels import LEVELS, ranked
from evoframe.roles import Encoding


@attrs.frozen
class Narrow(Encoding):
    """Every layer keeps about the same share of its channels, which stay dense."""

    name: ClassVar[str] = "narrow"
    traits: ClassVar[frozenset[str]] = frozenset({"ranks"})

    def encode(self, inheritance: Inheritance, evidence: Evidence, context: Context) -> DNA:
        """Return DNA in which the first bundles of every layer outlive its last ones.

        A layer's bundles are ranked by position, evenly from one to nothing; a bundle of several
        layers has its best rank.
        """
        partition = evidence.clusters("bundle")
        levels = torch.zeros(
            partition.fixed.shape, dtype=torch.int32, device=partition.fixed.device
        )
        eligible = torch.zeros_like(partition.fixed)
        for name, mask in inheritance.eligible.items():
            present = torch.unique(partition.members[name].expand_as(mask)[mask])
            eligible[present] = True
            # Bundles are numbered by their first channel,
            # so "first" is the same in every generation.
            order = torch.arange(len(present), 0, -1, device=levels.device)
            own = (order * (LEVELS - 1) // max(len(present), 1)).to(torch.int32)
            levels[present] = torch.maximum(levels[present], own)
        if partition.around is not None:  # no block is narrower than itself
            blocks = torch.unique(torch.cat([one.reshape(-1) for one in partition.within.values()]))
            levels[blocks[blocks >= 0]], eligible[blocks[blocks >= 0]] = LEVELS - 1, True
        levels[partition.fixed] = LEVELS - 1
        clusters = Clusters.of(Genes(levels, ranked(), eligible), partition)
        # A table of one level: the logarithm of 1. Inside
        # a living bundle nothing is left to chance.
        certain = np.zeros(1)
        synapses = {
            name: Genes(torch.zeros_like(mask, dtype=torch.int32), certain, mask)
            for name, mask in inheritance.eligible.items()
        }
        return DNA(synapses, clusters)
