"""Renewal: importances are made anew while a network loses the least important of its bundles.

What a bundle is worth depends on which others are there. So a part of them leaves, all that is
left is judged again, and so on; in the end those that left first stand lowest.
"""

from __future__ import annotations

from collections.abc import Callable

import attrs
import numpy as np
import numpy.typing as npt
import torch

from evoframe.kernel.clusters import Partition
from evoframe.kernel.context import Context
from evoframe.kernel.dna import DNA, Clusters, Genes, Inheritance
from evoframe.kernel.drawing.floors import floors
from evoframe.kernel.drawing.synthesis import of_clusters, turns
from evoframe.kernel.evidence import Evidence
from evoframe.kernel.genotype import Genotype, masked
from evoframe.kernel.limits import Ceiling
from evoframe.kernel.settling import is_extinct, settle
from evoframe.strategies.encoding.membership import Scores

FLOOR = 0.1
"""Share of its channels that every layer keeps meanwhile."""

Judge = Callable[[Inheritance, Evidence], tuple[Scores, Genes]]
"""Returns what bundles are worth in a network, NaN where one stays; and genes that rank them."""


def renewed(
    judge: Judge,
    partition: Partition,
    inheritance: Inheritance,
    evidence: Evidence,
    context: Context,
    *,
    steps: int,
    reach: float,
) -> Scores:
    """Return places in the order in which bundles leave, the last highest; NaN for what stays.

    Args:
        judge: tells the importances in a network.
        partition: the bundles.
        inheritance: of the network to begin with.
        evidence: what is asked about it.
        context: of the encoding.
        steps: how many times they are made.
        reach: share of the bundles that are there at the last of them.
    """
    scores, genes = judge(inheritance, evidence)
    waves, latest = np.full_like(scores, steps), scores
    free = ~np.isnan(scores)
    for step in range(1, steps):
        most = round(free.sum() * reach ** (step / (steps - 1)))
        clusters = Clusters.of(genes, partition)
        rivals = ~np.isnan(scores)
        left = _thinned(clusters, rivals, most, inheritance, context.at("step", step))
        if is_extinct(left.masks):
            break
        inheritance = Inheritance(left.masks, left.strengths(), masked(left.state, left.masks))
        asked = attrs.evolve(evidence.context, key=evidence.context.key.at("step", step))
        before = waves == steps
        scores, genes = judge(inheritance, Evidence(inheritance, asked))
        gone = before & free & np.isnan(scores)
        waves[gone] = step
        latest = np.where(np.isnan(scores), latest, scores)
    places = np.full_like(latest, np.nan)
    order = np.lexsort((latest[free], waves[free]))
    places[np.flatnonzero(free)[order]] = (np.arange(len(order)) + 0.5) / max(len(order), 1)
    return places


def _thinned(
    clusters: Clusters,
    rivals: npt.NDArray[np.bool_],
    most: int,
    inheritance: Inheritance,
    context: Context,
) -> Genotype:
    """Return a genotype with so many of the rivals, those that rank highest, and all others."""
    certain = {
        name: Genes(torch.zeros_like(mask, dtype=torch.int32), np.zeros(1), mask)
        for name, mask in inheritance.eligible.items()
    }
    ceiling = Ceiling(rates={"bundles": 1.0}, limit=most, floor=FLOOR)
    dna = DNA(certain, clusters, ceilings=(ceiling,))
    _, order = floors(turns(clusters.genes, context.key), dna, context.anatomy)
    born = torch.from_numpy(~rivals)
    born[torch.from_numpy(order[rivals[order]][:most])] = True
    born = born.to(clusters.genes.levels.device)
    masks = of_clusters(born, dict(inheritance.eligible), dna)
    return settle(Genotype(masks, inheritance.state), context.anatomy.wiring)
