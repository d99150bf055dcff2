"""Cluster-driven genetic encoding (arXiv 1609.01360).

    P(c) = exp((sum_{i in c} [w_i] / Z - 1) / T_c),    P(s) = exp((|w| / z - 1) / T)

A cluster is drawn first, then its synapses. [w] truncates: a synapse weaker than a share of its
layer's strongest counts nothing (a floor of a weight below 1 would always be 0). Z is the largest
sum in the layer, so P(c) lies in [exp(-1 / T_c), 1]; a bundle that spans several layers has the
mean of its shares in them. The paper's clusters are kernels, those of 1709.02043 filters; bundles
are ours: what must go together for a tensor to become smaller.

Sums are taken over 16-bit levels as integers, so every device finds the same DNA.
"""

from __future__ import annotations

from typing import ClassVar

import attrs
import torch
from torch import Tensor

from evoframe.kernel.clusters import Kind, Partition
from evoframe.kernel.context import Context
from evoframe.kernel.dna import DNA, Clusters, Genes, Inheritance
from evoframe.kernel.evidence import Evidence
from evoframe.kernel.levels import LEVELS, even_levels, even_scores, largest_magnitudes
from evoframe.roles import Encoding, doc


@attrs.frozen
class Cluster(Encoding):
    """Strong clusters of synapses are likelier to live, and strong synapses inside them."""

    name: ClassVar[str] = "cluster"
    traits: ClassVar[frozenset[str]] = frozenset({"stochastic"})

    of: Kind = attrs.field(
        default="kernel",
        validator=attrs.validators.in_(("kernel", "filter", "bundle", "stream")),
        metadata=doc(
            "what a cluster is; only bundles always make tensors smaller, and of those `stream` "
            "takes the ones that several layers write, as the width of a residual stream"
        ),
    )
    truncation: float = attrs.field(
        default=0.1,
        validator=[attrs.validators.ge(0), attrs.validators.lt(1)],
        metadata=doc("weights below this share of their layer's largest add nothing to a cluster"),
    )
    temperature: float = attrs.field(
        default=1.0,
        validator=attrs.validators.gt(0),
        metadata=doc("softness of the law of synapses; 1 is the paper's"),
    )
    cluster_temperature: float = attrs.field(
        default=1.0,
        validator=attrs.validators.gt(0),
        metadata=doc("softness of the law of clusters; 1 is the paper's"),
    )

    def encode(self, inheritance: Inheritance, evidence: Evidence, context: Context) -> DNA:
        """Return P(c) of every cluster with an eligible synapse, and P(s) of each synapse."""
        table = (even_scores() - 1.0) / self.temperature
        scales = largest_magnitudes(inheritance.strengths, inheritance.eligible)
        genes = {}
        for name, eligible in inheritance.eligible.items():
            levels = even_levels(inheritance.strengths[name], scales[name], magnitudes=True)
            genes[name] = Genes(levels, table, eligible)
        return DNA(genes, self._clusters(genes, evidence.clusters(self.of)))

    def _clusters(self, synapses: dict[str, Genes], partition: Partition) -> Clusters:
        count = len(partition.fixed)
        device = partition.fixed.device
        shares = torch.zeros(count, dtype=torch.int64, device=device)
        layers, sizes = shares.clone(), shares.clone()
        for name, genes in synapses.items():
            members = partition.members[name].expand_as(genes.levels)
            # int64, (clusters,): eligible synapses of each cluster in this parameter.
            mine = torch.bincount(members[genes.eligible], minlength=count)
            shares += self._shares(genes, members, count)
            layers += mine > 0
            sizes += mine
        levels = torch.div(shares, layers.clamp(min=1), rounding_mode="floor").to(torch.int32)
        # Nothing is won by the death of a cluster whose
        # channels stay, so it is as likely as can be.
        levels[partition.fixed] = LEVELS - 1
        table = (even_scores() - 1.0) / self.cluster_temperature
        return Clusters(Genes(levels, table, sizes > 0), partition.members)

    def _shares(self, genes: Genes, members: Tensor, count: int) -> Tensor:
        """Return each cluster's sum in one layer, as a level of the layer's largest sum."""
        # Levels are shares of the layer's largest weight already, so truncation compares with them.
        strong = genes.eligible & (genes.levels >= self.truncation * (LEVELS - 1))
        sums = torch.zeros(count, dtype=torch.int64, device=genes.levels.device)
        sums.scatter_add_(0, members[strong], genes.levels[strong].long())
        return sums * (LEVELS - 1) // max(int(sums.max()), 1)
