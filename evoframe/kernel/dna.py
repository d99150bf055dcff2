"""DNA: how likely each synapse, and each cluster of synapses, is to exist in an offspring.

A gene is a *level* on a grid of at most 65,536 values (:mod:`evoframe.kernel.levels`); a table
made on the host says with what probability each level survives. An environment only ever rewrites
tables, from integer histograms (:mod:`evoframe.kernel.budgets`), so its budgets are exact and cost
next to nothing.
"""

from __future__ import annotations

from collections.abc import Mapping

import attrs
import numpy as np
import torch
from torch import Tensor

from evoframe.kernel import fused
from evoframe.kernel.genotype import Masks, State
from evoframe.kernel.levels import Table


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

    def probabilities(self) -> Tensor:
        """Return each gene's survival probability, float64, zero where it is not eligible."""
        table = torch.from_numpy(np.exp(self.log_survival)).to(self.levels.device)
        return torch.where(self.eligible, table[self.levels.long()], 0.0)

    def histogram(self, weights: Tensor | None = None) -> Table:
        """Return the number of eligible genes at each level, or the sum of their weights."""
        if weights is None and fused.kernels(self.levels) is not None:
            counts = fused.counted(self.levels, self.eligible, len(self.log_survival))
            return counts.cpu().numpy().astype(np.float64)
        levels = self.levels[self.eligible].long()
        if weights is None:  # integers: exact on every device
            counts = torch.bincount(levels, minlength=len(self.log_survival))
            return counts.cpu().numpy().astype(np.float64)
        # Sums of floats depend on their order, and on CUDA
        # so would a budget; the CPU adds in one order.
        chosen = weights.expand_as(self.levels)[self.eligible].cpu().numpy()
        sums = np.bincount(levels.cpu().numpy(), chosen, minlength=len(self.log_survival))
        return sums.astype(np.float64)


@attrs.frozen(eq=False)
class Clusters:
    """Clusters of synapses that are drawn before their synapses (1609.01360).

    Attributes:
        genes: one gene a cluster, all clusters of the network in one row.
        members: for each parameter, the cluster each synapse belongs to: int64, broadcastable to
            the parameter's shape.
    """

    genes: Genes
    members: Mapping[str, Tensor]


@attrs.frozen
class Cap:
    """At most this many synapses over these parameters; the least probable go first."""

    names: tuple[str, ...]
    limit: int


@attrs.frozen(eq=False)
class Ceiling:
    """At most this much of a cost, once an offspring is drawn and settled.

    What may be spent is spent: of all that could live, the likeliest do, until the next would be
    too much (:mod:`evoframe.kernel.ceilings`).

    Attributes:
        rates: what one unit of each cost of an anatomy counts; several for a latency.
        limit: the largest sum of rates times costs.
        floor: share of the ancestor's channels that every layer keeps as far as the limit allows.
        even: every layer keeps the same share of what its parents offer.
        what: what is bounded, for people.
        constant: what every network takes of the limit.
    """

    rates: Mapping[str, float]
    limit: float
    floor: float = 0.0
    even: bool = False
    what: str = "cost"
    constant: float = 0.0

    def spent(self, costs: Mapping[str, float]) -> float:
        """Return the part of the limit that an individual of these costs takes."""
        return self.constant + sum(rate * costs[name] for name, rate in self.rates.items())


@attrs.frozen(eq=False)
class DNA:
    """The synaptic probability model of one offspring that is about to be drawn.

    Attributes:
        synapses: the genes of every parameter that holds synapses.
        clusters: the genes of the clusters, or None where synapses are drawn alone.
        caps: hard limits that the draw must keep, set by environments.
        ceilings: hard limits of what the settled offspring may cost, set by environments.
    """

    synapses: Mapping[str, Genes]
    clusters: Clusters | None = None
    caps: tuple[Cap, ...] = ()
    ceilings: tuple[Ceiling, ...] = ()

    def probabilities(self, name: str) -> Tensor:
        """Return the probability that each synapse exists: its cluster's times its own."""
        own = self.synapses[name].probabilities()
        if self.clusters is None:
            return own
        return own * self.clusters.genes.probabilities()[self.clusters.members[name]]

    def expected_synapses(self) -> float:
        """Return the expected number of synapses of the offspring, before caps and settling."""
        return float(sum(self.probabilities(name).sum() for name in self.synapses))


@attrs.frozen(eq=False)
class Inheritance:
    """What an offspring gets from its parents, before anything presses on it.

    Attributes:
        eligible: the synapses that may exist; budgets are fractions of their number.
        strengths: the parents' (mated) weights of parameters that hold synapses, which encodings
            read as DNA; entries without synapses, if any, complete the network that evidence is
            measured on, in place of those of ``state``.
        state: the parameters and buffers the newborn starts its life with.
    """

    eligible: Masks
    strengths: State
    state: State
