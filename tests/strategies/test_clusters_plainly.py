"""The levels of clusters, and the pressure on them, are those of one synapse after another."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st
from torch import Tensor, nn

from anatomy.branching import BRANCHING
from evoframe import anatomy
from evoframe.kernel.clusters import Kind
from evoframe.kernel.dna import DNA, Inheritance
from evoframe.kernel.drawing.budgets import log_multiplier, scaled
from evoframe.kernel.levels import LEVELS
from evoframe.kernel.tensors import passes
from evoframe.strategies.encoding.cluster import Cluster
from evoframe.strategies.environment.retention import Retention


class Asked:
    """Evidence that knows an anatomy."""

    def __init__(self, one) -> None:
        self.clusters = one.clusters


class Odd(nn.Module):
    """Tokens, grouped and transposed convolutions: clusters along different axes."""

    def __init__(self) -> None:
        super().__init__()
        self.tokens = nn.Embedding(11, 6)
        self.grouped, self.each = nn.Conv1d(6, 8, 3, groups=2), nn.Conv1d(8, 8, 1, groups=8)
        self.back, self.head = nn.ConvTranspose1d(8, 5, 2), nn.Linear(5 * 6, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.each(self.grouped(self.tokens(x).mT).relu())
        return self.head(self.back(x).relu().flatten(1))


@cache
def surveyed(name: str):
    torch.manual_seed(0)
    if name == "odd":
        network, inputs = Odd(), (torch.randint(11, (1, 7)),)
    else:
        make, shape, _ = BRANCHING[name]
        network, inputs = make(), (torch.randn(shape),)
    names = [n for n, p in network.named_parameters() if p.ndim > 1 and not n.startswith("head")]
    return anatomy.survey(network, inputs, names, depth=name != "odd")


def inherited(one, seed: int, share: float) -> Inheritance:
    """A few synapses of rows and of the whole are left; some clusters may be empty."""
    generator, genotype = torch.Generator().manual_seed(seed), one.genotype()
    eligible, strengths = {}, {}
    for name, mask in genotype.masks.items():
        rows = torch.rand([len(mask)] + [1] * (mask.ndim - 1), generator=generator) < share
        eligible[name] = mask & rows & (torch.rand(mask.shape, generator=generator) < share)
        strengths[name] = torch.randn(mask.shape, generator=generator) * eligible[name]
    return Inheritance(eligible, strengths, genotype.state)


def levels_of_clusters(dna: DNA, partition, truncation: float) -> tuple[list[int], list[bool]]:
    """Return the level of every cluster, and whether any synapse of it is eligible."""
    count = len(partition.fixed)
    shares, layers, sizes = ([0] * count for _ in range(3))
    for name, genes in dna.synapses.items():
        sums, mine = [0] * count, [0] * count
        for level, own in zip(*chosen(genes, partition.members[name]), strict=True):
            mine[own] += 1
            sums[own] += level if level >= truncation * (LEVELS - 1) else 0
        for own in range(count):
            shares[own] += sums[own] * (LEVELS - 1) // max(*sums, 1)
            layers[own], sizes[own] = layers[own] + (mine[own] > 0), sizes[own] + mine[own]
    levels = [share // max(many, 1) for share, many in zip(shares, layers, strict=True)]
    inside: dict[int, list[int]] = {}
    for name, held in partition.within.items():
        _, bundles = chosen(dna.synapses[name], partition.members[name])
        _, blocks = chosen(dna.synapses[name], held)
        for block, bundle in zip(blocks, bundles, strict=True):
            inside.setdefault(block, []).append(levels[bundle])
    inside.pop(-1, None)
    for block, some in inside.items():
        levels[block], sizes[block] = sum(some) // len(some), len(some)
    for fixed in partition.fixed.nonzero().flatten().tolist():
        levels[fixed] = LEVELS - 1
    return levels, [size > 0 for size in sizes]


def chosen(genes, labels: Tensor) -> tuple[list[int], list[int]]:
    """Return the level of every eligible synapse, and its label."""
    own = labels.expand(genes.levels.shape)
    return genes.levels[genes.eligible].tolist(), own[genes.eligible].tolist()


def pressed(dna: DNA, share: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the tables of clusters and of synapses under a budget."""
    clusters = dna.clusters
    sizes = np.zeros(len(clusters.genes.levels))
    for name, genes in dna.synapses.items():
        for held in (clusters.members, clusters.within):
            for own in chosen(genes, held[name])[1] if name in held else ():
                sizes[own] += own >= 0
    there, level = clusters.genes.eligible.numpy(), clusters.genes.levels.numpy()
    weights = np.bincount(level[there], sizes[there], minlength=LEVELS)
    table = clusters.genes.log_survival
    table = scaled(table, log_multiplier([weights], [table], share**0.5 * weights.sum()))
    odds = torch.where(clusters.genes.eligible, torch.from_numpy(np.exp(table))[level], 0.0)
    counts, total = [], 0
    for name, genes in dna.synapses.items():
        own = clusters.at(name, odds).expand(genes.levels.shape)[genes.eligible].tolist()
        counts.append(np.zeros(LEVELS))
        for at, weight in zip(genes.levels[genes.eligible].tolist(), own, strict=True):
            counts[-1][at] += weight
        total += len(own)
    tables = [genes.log_survival for genes in dna.synapses.values()]
    return table, scaled(tables[0], log_multiplier(counts, tables, share * total))


@pytest.mark.parametrize("name", ["odd", "nested", "next", "encoder"])
@settings(deadline=None, max_examples=6)
@given(
    of=st.sampled_from(["kernel", "filter", "bundle", "stream"]),
    seed=st.integers(0, 99),
    share=st.sampled_from([0.2, 0.7, 1.0]),
    truncation=st.sampled_from([0.0, 0.1, 0.6]),
)
def test_clusters_are_those_of_one_synapse_after_another(
    name, of: Kind, seed, share, truncation
) -> None:
    """To the last bit, in parts of few entries."""
    one = surveyed(name)
    inheritance, partition = inherited(one, seed, share), one.clusters(of)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passes, "PART", 64)
        dna = Cluster(of=of, truncation=truncation).encode(inheritance, Asked(one), None)
        found = Retention(retention=0.5).press(dna, inheritance, None)

    levels, there = levels_of_clusters(dna, partition, truncation)
    assert dna.clusters.genes.levels.tolist() == levels
    assert dna.clusters.genes.eligible.tolist() == there
    table, own = pressed(dna, 0.5)
    assert np.array_equal(found.clusters.genes.log_survival, table)
    assert all(np.array_equal(genes.log_survival, own) for genes in found.synapses.values())
