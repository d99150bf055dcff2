"""DNA: how likely each synapse, and each cluster of synapses, is to exist in an offspring.

A gene is a *level* on a grid of at most 65,536 values; a table made on the host says with what
probability each level survives. Levels come from one IEEE division and a rounding, or from the
bits of a float, so they are the same on every device; an environment only ever rewrites tables,
from integer histograms, so its budgets are exact and cost next to nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from evoframe.kernel.genotype import Masks, State

Table = npt.NDArray[np.float64]
"""Natural logarithm of the survival probability of each level, at most 0; -inf means never."""

LEVELS = 65_536
"""How many levels the grids of this module have."""

_OCTAVES = 16
_STEPS = LEVELS // _OCTAVES
_DROPPED_BITS = 23 - (_STEPS.bit_length() - 1)
_FLOOR = (127 - _OCTAVES) << 23


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
        """Return how many eligible genes stand at each level, or the sum of their weights."""
        levels = self.levels[self.eligible].long()
        if weights is None:  # integers: exact on every device
            counts = torch.bincount(levels, minlength=len(self.log_survival))
            return counts.cpu().numpy().astype(np.float64)
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
class DNA:
    """The synaptic probability model of one offspring that is about to be drawn.

    Attributes:
        synapses: the genes of every parameter that holds synapses.
        clusters: the genes of the clusters, or None where synapses are drawn alone.
        caps: hard limits that the draw must keep, set by environments.
    """

    synapses: Mapping[str, Genes]
    clusters: Clusters | None = None
    caps: tuple[Cap, ...] = ()

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


# --- grids ----------------------------------------------------------------------------------


def even_levels(scores: Tensor, scale: float) -> Tensor:
    """Map scores in [0, scale] to evenly spaced levels; larger scores clip to the last level."""
    return torch.round(_share(scores, scale) * (LEVELS - 1)).to(torch.int32)


def even_scores() -> Table:
    """Return the score each level of :func:`even_levels` stands for, as a share of the scale."""
    return np.arange(LEVELS) / (LEVELS - 1)


def relative_levels(scores: Tensor, scale: float) -> Tensor:
    """Map scores in [0, scale] to levels that keep a relative precision of 1/4096.

    The level is the leading bits of the float32 quotient, 4,096 to an octave; scores below
    scale / 65,536 share level 0. For heavy-tailed scores, where even spacing would put most
    synapses on a few levels.
    """
    bits = _share(scores, scale).view(torch.int32) - _FLOOR
    return torch.clamp(bits >> _DROPPED_BITS, 0, LEVELS - 1)


def _share(scores: Tensor, scale: float) -> Tensor:
    if not scale > 0:
        return torch.zeros_like(scores, dtype=torch.float32)
    # The divisor is a tensor on the device: CUDA turns a Python number into a multiplication by
    # its reciprocal, which rounds differently from the division that the CPU does.
    divisor = torch.full((), scale, dtype=torch.float32, device=scores.device)
    # Without its sign, because the bits of a negative zero are those of a large number.
    return torch.clamp(scores.float() / divisor, 0.0, 1.0).abs().contiguous()


def ranked(levels: int = LEVELS) -> Table:
    """Return a table in which only the order of levels counts: each outlives all below it."""
    return 64.0 * (np.arange(levels, dtype=np.float64) - (levels - 1))


# --- budgets --------------------------------------------------------------------------------


def log_multiplier(counts: Sequence[Table], tables: Sequence[Table], budget: float) -> float:
    """Return log(lambda) such that the sum of counts * min(1, lambda * P) meets the budget.

    Exact up to rounding and solved in one pass: with levels in falling order of probability, find
    the first that lambda does not saturate. Sums are taken in logarithms, because P may span
    hundreds of thousands of octaves.

    Args:
        counts: how many synapses (or what weight of them) stand at each level, for each table.
        tables: log-probabilities of the levels.
        budget: the sum wanted, in synapses.

    Returns:
        The logarithm of lambda; inf when everything may survive, -inf when nothing may.
    """
    weight, log_p = np.concatenate(list(counts)), np.concatenate(list(tables))
    possible = (weight > 0) & (log_p > -np.inf)
    weight, log_p = weight[possible], log_p[possible]
    if budget <= 0 or not len(weight):
        return -np.inf
    order = np.argsort(-log_p, kind="stable")
    weight, log_p = weight[order], log_p[order]
    log_rest = np.logaddexp.accumulate((np.log(weight) + log_p)[::-1])[::-1]
    taken = np.cumsum(weight)
    if budget >= taken[-1]:  # the same sum as below: another order of summands rounds otherwise
        return np.inf
    free = np.maximum(budget - (taken - weight), 0.0)
    with np.errstate(divide="ignore"):
        candidates = np.log(free) - log_rest
    # The last level that still fits in part is unsaturated by definition, whatever rounding says.
    unsaturated = (candidates + log_p <= 0) | (taken >= budget)
    return float(candidates[np.argmax(unsaturated)])


def scaled(table: Table, log_factor: float) -> Table:
    """Return log(min(1, factor * P)) for each level; what could not be still cannot."""
    with np.errstate(invalid="ignore"):
        return np.where(table == -np.inf, -np.inf, np.minimum(table + log_factor, 0.0))
