"""Bundling: a DNA of synapses, kernels or filters, read by the bundles of channels they make up."""

from __future__ import annotations

from collections.abc import Mapping

import attrs
import numpy as np
import torch

from evoframe.kernel.clusters import Partition
from evoframe.kernel.dna import DNA, Clusters, Genes
from evoframe.kernel.drawing.floors import are_bundles
from evoframe.kernel.levels import LEVELS, Table


def by_bundle(dna: DNA, partition: Partition) -> DNA:
    """Return DNA whose clusters are bundles, with everything inside those that live.

    A bundle is as likely as its possible synapses are in the geometric mean, each with its
    cluster; one that cannot leave the network lives for certain. Where the clusters of the DNA
    are bundles already, they stay as they are.

    Args:
        dna: what is read; not modified.
        partition: the bundles.
    """
    clusters = dna.clusters
    if clusters is None or not are_bundles(clusters, partition):
        clusters = Clusters.of(_genes(dna, partition), partition)
    return attrs.evolve(dna, synapses=_certain(dna.synapses), clusters=clusters)


def _certain(synapses: Mapping[str, Genes]) -> dict[str, Genes]:
    """Return genes that live for certain, but for those that cannot; equal tables are shared."""
    tables: dict[bytes, Table] = {}
    found = {}
    for name, genes in synapses.items():
        never = np.isneginf(genes.log_survival)
        table = tables.setdefault(never.tobytes(), np.where(never, -np.inf, 0.0))
        found[name] = attrs.evolve(genes, log_survival=table)
    return found


def _genes(dna: DNA, partition: Partition) -> Genes:
    count, device = len(partition.fixed), partition.fixed.device
    sums, sizes = np.zeros(count), np.zeros(count)
    for name, genes in dna.synapses.items():
        logs = genes.log_survival[genes.levels.cpu().numpy()]
        if dna.clusters is not None:
            own = dna.clusters.genes
            of_clusters = own.log_survival[own.levels.cpu().numpy()]
            logs = logs + of_clusters[dna.clusters.members[name].cpu().numpy()]
        possible = genes.eligible.cpu().numpy() & (logs > -np.inf)
        for held in (partition.members, partition.within):
            if name in held:
                members = held[name].expand_as(genes.levels).cpu().numpy()
                mine = possible & (members >= 0)
                sums += np.bincount(members[mine], logs[mine], minlength=count)
                sizes += np.bincount(members[mine], minlength=count)
    means = np.where(partition.fixed.cpu().numpy(), 0.0, sums / np.maximum(sizes, 1))
    table, levels = np.unique(means, return_inverse=True)
    if len(table) > LEVELS:  # neighbours share a level
        levels = levels * (LEVELS - 1) // (len(table) - 1)
        table = table[np.linspace(0, len(table) - 1, LEVELS).astype(np.int64)]
    eligible = torch.from_numpy(sizes > 0).to(device)
    return Genes(torch.from_numpy(levels.astype(np.int32)).to(device), table, eligible)
