"""DNA: how likely each synapse, and each cluster of synapses, is to exist in an offspring.

A gene is a *level* on a grid of at most 65,536 values (:mod:`evoframe.kernel.levels`); a table
made on the host says with what probability each level survives. An environment only ever rewrites
tables, from integer histograms (:mod:`evoframe.kernel.drawing.budgets`): exact, at next to no cost.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

import attrs
import numpy as np
import torch
from torch import Tensor

from evoframe.kernel import fused
from evoframe.kernel.clusters import Partition
from evoframe.kernel.genotype import Masks, State
from evoframe.kernel.histograms import added, counted
from evoframe.kernel.levels import Table
from evoframe.kernel.limits import Cap, Ceiling
from evoframe.kernel.notes import NONE, Notes


@attrs.frozen(eq=False)
class Genes:
    """The genes of one parameter's synapses, or of all clusters.

    Attributes:
        levels: int32 level of each gene, in [0, len(log_survival)).
        log_survival: the table from level to log-probability; shared between parameters at will.
        eligible: bool of the same shape; what is not eligible cannot come to be.
    """

    levels: Tensor
    log_survival: Table
    eligible: Tensor
    # Of one histogram, which every environment asks for.
    _counts: list[Table] = attrs.field(factory=list, init=False, repr=False)

    def under(self, table: Table) -> Genes:
        """Return the same genes with another table, of as many levels."""
        found = attrs.evolve(self, log_survival=table)
        found._counts.extend(self._counts)  # noqa: SLF001  of the same class
        return found

    def probabilities(self) -> Tensor:
        """Return each gene's survival probability, float64, zero where it is not eligible."""
        table = torch.from_numpy(np.exp(self.log_survival)).to(self.levels.device)
        return torch.where(self.eligible, table[self.levels.long()], 0.0)

    def histogram(self, weights: Tensor | None = None) -> Table:
        """Return the number of eligible genes at each level, or the sum of their weights."""
        if weights is not None:
            # Sums of floats depend on their order, and on CUDA
            # so would a budget; the CPU adds in one order.
            own = self.levels.cpu(), self.eligible.cpu(), weights.cpu()
            return added(*own, len(self.log_survival))
        if not self._counts:
            self._counts.append(self._counted())
        return self._counts[0].copy()

    def _counted(self) -> Table:
        count = len(self.log_survival)
        if fused.kernels(self.levels) is None:
            return counted(self.levels.cpu(), self.eligible.cpu(), count)
        counts = fused.counted(self.levels, self.eligible, count)
        return counts.cpu().numpy().astype(np.float64)

    def expected(self, weights: Tensor | None = None) -> float:
        """Return the number of genes that live on average, or the sum of the weights of those."""
        return float((self.histogram(weights) * np.exp(self.log_survival)).sum())


@attrs.frozen(eq=False)
class Clusters:
    """Clusters of synapses that are drawn before their synapses (1609.01360).

    Attributes:
        genes: one gene a cluster, all clusters of the network in one row.
        members: for each parameter, the cluster each synapse belongs to: int64, broadcastable to
            the parameter's shape.
        within: for parameters with synapses in blocks, the smallest block of each, or -1: a synapse
            lives only if its bundle does and all blocks around it.
        around: for each cluster the block that contains this block, or -1; None without blocks.
    """

    genes: Genes
    members: Mapping[str, Tensor]
    within: Mapping[str, Tensor] = attrs.Factory(dict)
    around: Tensor | None = None

    @classmethod
    def of(cls, genes: Genes, partition: Partition) -> Clusters:
        """Return the clusters of a partition with these genes."""
        return cls(genes, partition.members, partition.within, partition.around)

    def at(self, name: str, values: Tensor) -> Tensor:
        """Return a value for each synapse, the product of those of all clusters that it is in.

        Args:
            name: of the parameter.
            values: one for each cluster, numbers or bools.

        Returns:
            Broadcastable to the parameter's shape.
        """
        found = values[self.members[name]]
        if name not in self.within:
            return found
        return found * self.of_blocks(values)[self.within[name]]

    @cached_property
    def host(self) -> Clusters:
        """The same clusters on the CPU, but for their genes."""
        members = {name: one.cpu() for name, one in self.members.items()}
        within = {name: one.cpu() for name, one in self.within.items()}
        around = None if self.around is None else self.around.cpu()
        return Clusters(self.genes, members, within, around)

    def of_blocks(self, values: Tensor) -> Tensor:
        """Return the products over blocks and all that contain them; the last is that of none."""
        assert self.around is not None
        none = torch.ones(1, dtype=values.dtype, device=values.device)
        padded, found, outer = torch.cat([values, none]), torch.cat([values, none]), self.around
        while bool((outer >= 0).any()):
            found = torch.cat([found[:-1] * padded[outer], none])
            outer = torch.where(outer >= 0, self.around[outer], -1)
        return found


@attrs.frozen(eq=False)
class DNA:
    """The synaptic probability model of one offspring that is about to be drawn.

    Attributes:
        synapses: the genes of every parameter that holds synapses.
        clusters: the genes of the clusters, or None where synapses are drawn alone.
        caps: hard limits that the draw must keep, set by environments.
        ceilings: hard limits of what the settled offspring may cost, set by environments.
        notes: of the life so far; what a strategy returns here is added to them.
        weights: with what synapses begin that nobody inherited, by parameter; with 0 where it
            says nothing.
    """

    synapses: Mapping[str, Genes]
    clusters: Clusters | None = None
    caps: tuple[Cap, ...] = ()
    ceilings: tuple[Ceiling, ...] = ()
    notes: Notes = attrs.field(default=NONE, converter=Notes)
    weights: State = attrs.field(factory=dict)

    def probabilities(self, name: str) -> Tensor:
        """Return the probability that each synapse exists: its cluster's times its own."""
        own = self.synapses[name].probabilities()
        if self.clusters is None:
            return own
        return own * self.clusters.at(name, self.clusters.genes.probabilities())

    def expected_synapses(self) -> float:
        """Return the expected number of synapses of the offspring, before caps and settling."""
        return float(sum(self.expected(name) for name in self.synapses))

    def expected(self, name: str) -> float:
        """Return the same for one parameter."""
        if self.clusters is None:
            return self.synapses[name].expected()
        return self.synapses[name].expected(
            self.clusters.at(name, self.clusters.genes.probabilities())
        )


@attrs.frozen(eq=False)
class Inheritance:
    """What an offspring gets from its parents, before anything presses on it.

    Attributes:
        eligible: the synapses that may exist; budgets are fractions of their number.
        strengths: the parents' (mated) weights of parameters that hold synapses, which encodings
            read as DNA; entries without synapses, if any, complete the network that evidence is
            measured on, in place of those of ``state``.
        state: the parameters and buffers the newborn starts its life with.
        notes: of the life so far; what a heredity returns here is added to them.
    """

    eligible: Masks
    strengths: State
    state: State
    notes: Notes = attrs.field(default=NONE, converter=Notes)
