"""What is left of clusters, and how alike the networks of a generation are.

Cluster efficiency is the ancestor's number of kernels over an individual's (1709.02043: kernels
are counted even where the clusters of the encoding are filters). Architectural similarity is
the overlap of the clusters that two networks still hold, in per cent (1904.09879; the paper's
own formula is not known to us, this is the mean Jaccard index over pairs). Clusters are compared
by their position in the ancestor, which is their gene tag.
"""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Mapping, Sequence

import torch
from rich.markup import escape
from rich.table import Table
from torch import Tensor

from evoframe.kernel.clusters import Kind
from evoframe.report.tables import plain_table
from evoframe.run.run import Run


def held(masks: Mapping[str, Tensor], members: Mapping[str, Tensor]) -> Tensor:
    """Return a bool for each cluster: whether any of its synapses is present.

    Args:
        masks: of an individual, by parameter.
        members: the cluster of every synapse, broadcastable to the masks.
    """
    count = 1 + max(int(part.max()) for part in members.values())
    found = torch.zeros(count, dtype=torch.bool)
    for name, mask in masks.items():
        # (synapses present,): the cluster of each; the same index may come many times.
        found[members[name].expand_as(mask)[mask]] = True
    return found


def similarity(clusters: Sequence[Tensor]) -> float | None:
    """Return the mean overlap of pairs, shared clusters over all that either holds, in 0..1.

    Args:
        clusters: what each individual holds, from :func:`held`; with fewer than two there is
            nothing to compare, and the answer is None.
    """
    overlaps = [
        float((one & other).sum()) / max(float((one | other).sum()), 1.0)
        for one, other in itertools.combinations(clusters, 2)
    ]
    return statistics.fmean(overlaps) if overlaps else None


def structure(run: Run, of: Kind) -> Table:
    """Return one row for each generation: what is left of kernels and clusters, and similarity."""
    anatomy = run.anatomy
    kernels, clusters = (anatomy.clusters(kind).members for kind in ("kernel", of))
    # Those whose weights were dropped would all have to be lived again for a mean.
    there = [one for one in run.individuals if one.genotype_id not in {"", *run.dropped}]
    masks = {one.id: run.genotype(one.id).masks for one in there}
    whole = int(held(masks[run.ancestor.id], kernels).sum())
    table = plain_table(("gen",))
    for name in ("alive", "kernels", "fewer", f"{of}s", "similarity"):
        table.add_column(escape(name), justify="right", no_wrap=True)
    for number in sorted({one.generation for one in run.individuals}):
        members = [masks[one.id] for one in there if one.generation == number]
        if not members:
            table.add_row(str(number), "0", "-", "-", "-", "-")
            continue
        left = statistics.fmean(int(held(one, kernels).sum()) for one in members)
        tags = [held(one, clusters) for one in members]
        alike = similarity(tags)
        table.add_row(
            str(number),
            str(len(members)),
            f"{left:,.0f}",
            f"{whole / left:.2f}x",
            f"{statistics.fmean(int(tag.sum()) for tag in tags):,.0f}",
            "-" if alike is None else f"{alike:.1%}",
        )
    return table
