"""Cluster-driven genetic encoding (arXiv 1609.01360).

    P(c) = exp((sum_{i in c} [w_i] / Z - 1) / T_c),    P(s) = exp((|w| / z - 1) / T)

A cluster is drawn first, then its synapses. [w] truncates: a synapse weaker than a share of its
layer's strongest counts nothing (a floor of a weight below 1 would always be 0). Z is the largest
sum in the layer, so P(c) lies in [exp(-1 / T_c), 1]; a bundle that spans several layers has the
mean of its shares in them. The paper's clusters are kernels, those of 1709.02043 filters; bundles
are ours: what must go together for a tensor to become smaller.

Bundles may have another importance than their sums, of gradients for one (see `importances/`),
normalised, and compared all over the network, among layers of the same kinds, or within layers.
It takes the place of the shares in P(c); or only its order counts (`draw = false`).

Sums are taken over 16-bit levels as integers, so every device finds the same DNA.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import attrs
import torch
from torch import Tensor

from evoframe.errors import ConfigError, EvoframeError, TaskError
from evoframe.kernel.clusters import Kind, Partition
from evoframe.kernel.context import Context
from evoframe.kernel.dna import DNA, Clusters, Genes, Inheritance
from evoframe.kernel.evidence import Evidence
from evoframe.kernel.levels import (
    LEVELS,
    Table,
    even_levels,
    even_scores,
    largest_magnitudes,
    ranked,
)
from evoframe.kernel.tensors.tallies import tallied
from evoframe.roles import Encoding, Task, doc
from evoframe.strategies.encoding.importances import Importance, Subject, importance_of
from evoframe.strategies.encoding.magnitude import Magnitude
from evoframe.strategies.encoding.membership import Scores, membership_of
from evoframe.strategies.encoding.renewal import renewed
from evoframe.strategies.encoding.standing import Normalise, Scope, levels_of, standing


@attrs.frozen
class Cluster(Encoding):
    """Strong clusters of synapses are more likely to be kept, and strong synapses inside them."""

    name: ClassVar[str] = "cluster"

    of: Kind = attrs.field(
        default="kernel",
        validator=attrs.validators.in_(("kernel", "filter", "bundle", "stream")),
        metadata=doc(
            "kind of cluster; only bundles always make tensors smaller. `stream` selects "
            "the bundles that several layers write, such as the width of a residual stream"
        ),
    )
    truncation: float = attrs.field(
        default=0.1,
        validator=[attrs.validators.ge(0), attrs.validators.lt(1)],
        metadata=doc(
            "weights below this share of their layer's largest do not count towards a cluster"
        ),
    )
    temperature: float = attrs.field(
        default=1.0,
        validator=attrs.validators.gt(0),
        metadata=doc("temperature of the probabilities of synapses; 1 is the paper's"),
    )
    cluster_temperature: float = attrs.field(
        default=1.0,
        validator=attrs.validators.gt(0),
        metadata=doc("temperature of the probabilities of clusters; 1 is the paper's"),
    )
    importance: Importance | None = attrs.field(
        default=None,
        metadata=doc(
            "importance criterion of bundles, over everything that writes and reads them; "
            "default: the paper's sum of weights",
            later=True,
        ),
    )
    draw: bool = attrs.field(
        default=True,
        metadata=doc(
            "draw clusters at random by their probabilities; if false, only their order counts",
            later=True,
        ),
    )
    normalise: Normalise = attrs.field(
        default="mean",
        metadata=doc(
            "statistic over the bundles of the same layers by which importances are divided",
            later=True,
        ),
    )
    scope: Scope = attrs.field(
        default="network",
        metadata=doc(
            "rank bundles over the whole network, or remove the same share of all layers of "
            "the same kind, or of each layer",
            later=True,
        ),
    )
    batches: int = attrs.field(
        default=20,
        validator=attrs.validators.ge(1),
        metadata=doc("training batches for measuring the importance", later=True),
    )
    examples: int = attrs.field(
        default=200,
        validator=attrs.validators.ge(1),
        metadata=doc("training examples for 'fisher', which processes them one by one", later=True),
    )
    steps: int = attrs.field(
        default=1,
        validator=attrs.validators.ge(1),
        metadata=doc("number of pruning steps; importances are recomputed before each", later=True),
    )
    reach: float = attrs.field(
        default=0.25,
        validator=[attrs.validators.gt(0), attrs.validators.le(1)],
        metadata=doc("share of the bundles that remain at the last step", later=True),
    )

    @property
    def traits(self) -> frozenset[str]:  # type: ignore[override]
        """Chance decides, or ranks do."""
        return frozenset({"stochastic" if self.draw else "ranks"})

    def check(self, task: Task) -> None:
        """Refuse an importance of clusters that cannot leave a network."""
        if self.importance is not None and self.of not in ("bundle", "stream"):
            raise ConfigError(
                f"encoding.importance = {self.importance!r} is that of bundles, and encoding.of is "
                f"{self.of!r}. Set encoding.of = 'bundle', or leave the importance out."
            )
        if self.importance is None and self.steps > 1:
            raise ConfigError(
                f"encoding.steps = {self.steps} makes importances anew, and there is none. Set "
                "encoding.importance, or leave the steps out."
            )

    def check_ancestor(self, context: Context) -> None:
        """Refuse an importance that cannot be computed for this ancestor; one batch is tried."""
        if self.importance is None:
            return
        genotype, once = context.ancestor, attrs.evolve(self, batches=1, examples=1)
        inheritance = Inheritance(genotype.masks, genotype.strengths(), genotype.state)
        try:
            once._judged(inheritance, Evidence(inheritance, context.at("evidence")))  # noqa: SLF001
        except EvoframeError:
            raise
        except Exception as error:
            said = " ".join(str(error).split())[:200]
            raise TaskError(
                f"encoding.importance = {self.importance!r} cannot be computed for this network, "
                f"its loss and its data: {type(error).__name__}: {said}. Try 'magnitude', which "
                "needs none of them."
            ) from error

    def encode(self, inheritance: Inheritance, evidence: Evidence, context: Context) -> DNA:
        """Return P(c) of every cluster with an eligible synapse, and P(s) of each synapse."""
        dna = self._by_law(inheritance, evidence)
        if self.importance is not None:
            genes = self._by_importance(inheritance, evidence, context)
            dna = attrs.evolve(dna, clusters=Clusters.of(genes, evidence.clusters(self.of)))
        if self.draw:
            return dna
        strongest = Magnitude().encode(inheritance, evidence, context)
        return attrs.evolve(strongest, clusters=dna.clusters)

    @property
    def _table(self) -> Table:
        return (even_scores() - 1.0) / self.cluster_temperature if self.draw else ranked()

    def _by_importance(
        self, inheritance: Inheritance, evidence: Evidence, context: Context
    ) -> Genes:
        """Return genes of bundles; those that stay, or of which nothing tells, stand highest."""
        scores, genes = self._judged(inheritance, evidence)
        if self.steps > 1:
            scores = renewed(
                self._judged,
                evidence.clusters(self.of),
                inheritance,
                evidence,
                context,
                steps=self.steps,
                reach=self.reach,
            )
        levels = levels_of(scores, ranks=not self.draw).to(genes.levels.device)
        return Genes(levels, self._table, genes.eligible)

    def _judged(self, inheritance: Inheritance, evidence: Evidence) -> tuple[Scores, Genes]:
        """Return the standing of each bundle, NaN for those that stay; and genes that rank them."""
        assert self.importance is not None
        partition, phenotype = evidence.clusters(self.of), evidence.phenotype()
        phenotype.network.requires_grad_(requires_grad=True)  # what is frozen counts too
        members = membership_of(partition, evidence.context.anatomy.wiring, phenotype)
        subject = Subject(phenotype, members, evidence, self.batches, self.examples)
        there = _inhabited(inheritance, partition)
        scores = standing(
            importance_of(self.importance, subject),
            members,
            (there & ~partition.fixed).cpu().numpy(),
            self.normalise,
            self.scope,
        )
        levels = levels_of(scores, ranks=True).to(there.device)
        return scores, Genes(levels, ranked(), there)

    def _by_law(self, inheritance: Inheritance, evidence: Evidence) -> DNA:
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
            members = partition.members[name]
            # int64, (clusters,): eligible synapses of each cluster in this parameter.
            mine = tallied(members, count, genes.eligible)
            shares += self._shares(genes, members, count)
            layers += mine > 0
            sizes += mine
        levels = torch.div(shares, layers.clamp(min=1), rounding_mode="floor").to(torch.int32)
        if partition.around is not None:
            sizes += self._in_blocks(synapses, partition, levels)
        # Nothing is won by the death of a cluster whose
        # channels stay, so it is as likely as can be.
        levels[partition.fixed] = LEVELS - 1
        return Clusters.of(Genes(levels, self._table, sizes > 0), partition)

    def _in_blocks(
        self, synapses: dict[str, Genes], partition: Partition, levels: Tensor
    ) -> Tensor:
        """Return the eligible synapses of each block, and set its level to their bundles' mean."""
        count = len(levels)
        sums, sizes = torch.zeros_like(levels, dtype=torch.int64), torch.zeros_like(levels).long()
        for name, blocks in partition.within.items():
            eligible = synapses[name].eligible
            # int32, in the parameter's shape: the level of each synapse's bundle.
            own = levels[partition.members[name]].expand_as(eligible)
            sums += tallied(blocks, count, eligible, _masked(own, eligible))
            sizes += tallied(blocks, count, eligible)
        there, means = sizes > 0, torch.div(sums, sizes.clamp(min=1), rounding_mode="floor")
        levels[there] = means.int()[there]
        return sizes

    def _shares(self, genes: Genes, members: Tensor, count: int) -> Tensor:
        """Return each cluster's sum in one layer, as a level of the layer's largest sum."""
        # Levels are shares of the layer's largest weight already, so truncation compares with them.
        least = self.truncation * (LEVELS - 1)
        sums = tallied(members, count, genes.eligible, _masked(genes.levels, genes.eligible, least))
        return sums * (LEVELS - 1) // max(int(sums.max()), 1)


def _masked(levels: Tensor, eligible: Tensor, least: float = 0.0) -> Callable[[slice], Tensor]:
    """Return a function of a slice: its levels, 0 below the least and where not eligible."""

    def masked(some: slice) -> Tensor:
        mine, counts = levels[some], eligible[some]
        return mine * (counts & (mine >= least) if least else counts)

    return masked


def _inhabited(inheritance: Inheritance, partition: Partition) -> Tensor:
    """Return a bool for each cluster: any of its synapses is eligible."""
    count, found = len(partition.fixed), torch.zeros_like(partition.fixed)
    for name, mask in inheritance.eligible.items():
        for held in (partition.members, partition.within):
            if name in held:
                found |= tallied(held[name], count, mask) > 0
    return found
