"""The cluster encoding against the text of 1609.01360, and what bundles do to a network."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings, strategies as st
from torch import nn

from evoframe.anatomy import survey
from evoframe.kernel.clusters import Kind
from evoframe.kernel.dna import Inheritance
from evoframe.kernel.genotype import Genotype
from evoframe.kernel.key import Key
from evoframe.kernel.synthesis import draw
from evoframe.kernel.wiring import living_channels, settle
from evoframe.strategies.encoding.cluster import Cluster
from evoframe.strategies.environment.retention import Retention
from evoframe.strategies.task.lenet import LeNet


class Asked:
    """Evidence that knows an anatomy."""

    def __init__(self, anatomy) -> None:
        self.clusters = anatomy.clusters


class Residual(nn.Module):
    """Two convolutions around which a shortcut goes, so that their channels are tied."""

    def __init__(self) -> None:
        super().__init__()
        self.one = nn.Conv2d(3, 8, 3, padding=1)
        self.two = nn.Conv2d(8, 8, 3, padding=1)
        self.head = nn.Linear(8, 4)

    def forward(self, x):
        x = self.one(x).relu()
        return self.head((x + self.two(x)).relu().mean((2, 3)))


def inheritance_of(anatomy) -> Inheritance:
    genotype = anatomy.genotype()
    strengths = {name: genotype.state[name] for name in genotype.masks}
    return Inheritance(genotype.masks, strengths, genotype.state)


def residual():
    torch.manual_seed(1)
    network = Residual()
    return survey(network, (torch.zeros(1, 3, 6, 6),), ("one.weight", "two.weight"))


def test_the_lenet_has_the_published_number_of_kernels() -> None:
    network = LeNet()
    names = tuple(f"conv{index}.weight" for index in range(1, 5))
    anatomy = survey(network, (torch.zeros(1, 1, 32, 32),), names)
    assert len(anatomy.clusters("kernel").fixed) == 7_200
    assert len(anatomy.clusters("filter").fixed) == 32 + 32 + 64 + 64


@pytest.mark.parametrize("of", ["kernel", "filter"])
def test_probabilities_are_the_papers(of: Kind) -> None:
    """P(c) = exp(sum / Z - 1) and P(s) = exp(|w| / z - 1), computed by hand."""
    anatomy = residual()
    inheritance = inheritance_of(anatomy)
    dna = Cluster(of=of, truncation=0.25).encode(inheritance, Asked(anatomy))
    assert dna.clusters is not None
    dims = (2, 3) if of == "kernel" else (1, 2, 3)
    for name, weights in inheritance.strengths.items():
        size = weights.abs().double()
        strong = torch.where(size >= 0.25 * size.max(), size, 0.0).sum(dims, keepdim=True)
        by_hand = (strong / strong.max() - 1).exp() * (size / size.max() - 1).exp()
        assert torch.allclose(dna.probabilities(name), by_hand, atol=2e-3)
        lowest = dna.clusters.genes.probabilities()[dna.clusters.members[name]].min()
        assert lowest >= math.exp(-1) - 1e-9


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([0.1, 1.0]), st.floats(0.2, 0.9))
def test_bundles_that_die_leave_the_network(seed: int, temperature: float, share: float) -> None:
    """Every dead bundle takes its channels away everywhere; nothing else loses a channel."""
    anatomy = residual()
    inheritance = inheritance_of(anatomy)
    encoding = Cluster(of="bundle", temperature=temperature, cluster_temperature=temperature)
    dna = encoding.encode(inheritance, Asked(anatomy))
    dna = Retention(retention=share).press(dna, inheritance, None)
    genotype = Genotype(draw(dna, Key(seed)), inheritance.state)
    genotype = settle(genotype, anatomy.wiring)
    alive = living_channels(genotype.masks, anatomy.wiring)
    left = int((alive[anatomy.wiring.targets["one.weight"]]).sum())
    left_two = int((alive[anatomy.wiring.targets["two.weight"]]).sum())
    network = anatomy.develop(genotype).network
    assert max(left, left_two, 1) <= network.one.out_channels <= 8
    assert network.one.out_channels == network.two.in_channels == network.two.out_channels
    assert network.head.in_features == network.one.out_channels
    assert anatomy.costs(genotype)["parameters"] == sum(p.numel() for p in network.parameters())


def test_costs_are_those_of_the_grown_network() -> None:
    """FLOPs of a convolution by hand, and the peak of what is alive at one time."""
    network = nn.Sequential(nn.Conv2d(2, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 3, 1))
    anatomy = survey(network, (torch.zeros(1, 2, 5, 5),), ("0.weight",))
    genotype = anatomy.genotype()
    whole = anatomy.costs(genotype)
    assert whole["flops"] == 2 * 25 * (2 * 4 * 9 + 4 * 3)
    assert whole["bytes"] == 4 * (2 * 4 * 9 + 4 + 4 * 3 + 3)
    assert whole["activations"] >= 4 * 25 * (2 + 4)
    genotype.masks["0.weight"][:2] = False
    half = anatomy.costs(settle(genotype, anatomy.wiring))
    assert half["flops"] == whole["flops"] / 2
    assert (half["bundles"], whole["bundles"]) == (2, 4)
    assert half["activations"] < whole["activations"]
