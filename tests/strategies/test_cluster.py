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
from evoframe.kernel.drawing.synthesis import draw
from evoframe.kernel.genotype import Genotype
from evoframe.kernel.key import Key
from evoframe.kernel.living import living_channels
from evoframe.kernel.settling import settle
from evoframe.strategies.encoding.cluster import Cluster
from evoframe.strategies.encoding.narrow import Narrow
from evoframe.strategies.environment.retention import Retention
from evoframe.strategies.task.lenet import LeNet
from networks.joining import Shortcut


class Asked:
    """Evidence that knows an anatomy."""

    def __init__(self, anatomy) -> None:
        self.clusters = anatomy.clusters


def inheritance_of(anatomy) -> Inheritance:
    genotype = anatomy.genotype()
    strengths = {name: genotype.state[name] for name in genotype.masks}
    return Inheritance(genotype.masks, strengths, genotype.state)


def residual():
    torch.manual_seed(1)
    network = Shortcut()
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
    dna = Cluster(of=of, truncation=0.25).encode(inheritance, Asked(anatomy), None)
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
    dna = encoding.encode(inheritance, Asked(anatomy), None)
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


# --- the text of 1609.01360, by hand ------------------------------------------------------------


def by_hand(of: Kind, truncation: float):
    """Two kernels of two synapses read by a linear layer whose kernels are blocks of two."""
    network = nn.Sequential(nn.Conv1d(1, 2, 2), nn.ReLU(), nn.Flatten(), nn.Linear(4, 2))
    network[0].weight.data = torch.tensor([[[0.8, -0.4]], [[0.1, 0.3]]])
    network[3].weight.data = torch.tensor([[1.0, -1.0, 0.05, 0.5], [0.5, 0.25, 0.0, -0.25]])
    anatomy = survey(network, (torch.zeros(1, 1, 3),), ("0.weight", "3.weight"))
    dna = Cluster(of=of, truncation=truncation).encode(
        inheritance_of(anatomy), Asked(anatomy), None
    )
    assert dna.clusters is not None
    odds, members = dna.clusters.genes.probabilities(), dna.clusters.members
    return {
        name: odds[members[name]].expand(genes.levels.shape) for name, genes in dna.synapses.items()
    }, dna


def test_clusters_weigh_what_is_left_of_them_after_truncation() -> None:
    """Tau = 0.1 of the layer's largest: sums 1.2 and 0.4; 2, 0.5, 0.75, 0.25 (0.05 adds nothing).

    A fully connected layer's kernel is the block that one channel sends to one neuron.
    """
    clusters, dna = by_hand("kernel", 0.1)

    first = torch.tensor([1.0, math.exp(0.4 / 1.2 - 1)])
    second = torch.tensor([[2.0, 0.5], [0.75, 0.25]]) / 2.0
    assert torch.allclose(clusters["0.weight"][:, 0].T, first.double().expand(2, 2), atol=1e-4)
    blocks = (second - 1).exp().repeat_interleave(2, 1).double()
    assert torch.allclose(clusters["3.weight"], blocks, atol=1e-4)
    own = (torch.tensor([[0.8, 0.4], [0.1, 0.3]]).double() / 0.8 - 1).exp()
    assert torch.allclose(dna.probabilities("0.weight")[:, 0], own * first[:, None], atol=1e-4)


def test_truncation_lessens_the_impact_of_weak_synapses_alone() -> None:
    """Without it 0.05 counts too; at 0.6 the strong alone do, and nothing is certain to die."""
    whole, _ = by_hand("kernel", 0.0)
    strict, _ = by_hand("kernel", 0.6)

    assert float(whole["3.weight"][0, 2]) == pytest.approx(math.exp(0.55 / 2 - 1), abs=1e-4)
    assert float(strict["3.weight"][0, 2]) == pytest.approx(math.exp(-1), abs=1e-9)
    assert float(strict["3.weight"][0, 0]) == 1.0


def test_filters_are_all_that_writes_a_channel() -> None:
    """Sums over rows of the linear layer: 2.5 and 1.0, by hand."""
    clusters, _ = by_hand("filter", 0.1)

    assert torch.allclose(
        clusters["3.weight"][:, 0], torch.tensor([1.0, math.exp(1 / 2.5 - 1)]).double(), atol=1e-4
    )


def test_both_levels_of_pressure_keep_their_share() -> None:
    """F_c and F_s of 0.8: 0.8 of the synapses lie in living clusters, and 0.8 of those live."""
    anatomy = residual()
    inheritance = inheritance_of(anatomy)
    dna = Cluster(of="kernel").encode(inheritance, Asked(anatomy), None)

    pressed = Retention(retention=0.64, clusters=0.8).press(dna, inheritance, None)

    total = sum(mask.numel() for mask in inheritance.eligible.values())
    assert pressed.expected_synapses() == pytest.approx(0.64 * total, rel=1e-6)
    inside = sum(
        float(pressed.clusters.genes.probabilities()[members].expand(mask.shape).sum())
        for members, mask in (
            (pressed.clusters.members[name], mask) for name, mask in inheritance.eligible.items()
        )
    )
    assert inside == pytest.approx(0.8 * total, rel=1e-6)


@pytest.mark.parametrize("share", [0.25, 0.5, 0.75])
def test_narrow_networks_keep_the_same_share_of_every_layer(share: float) -> None:
    """The first channels of each layer live, with all their synapses."""
    network = LeNet()
    names = tuple(f"conv{index}.weight" for index in range(1, 5))
    anatomy = survey(network, (torch.zeros(1, 1, 32, 32),), names)
    inheritance = inheritance_of(anatomy)

    dna = Narrow().encode(inheritance, Asked(anatomy), None)
    dna = Retention(retention=share, clusters=share).press(dna, inheritance, None)
    masks = draw(dna, Key(0))

    for mask in masks.values():
        rows = mask.flatten(1)
        alive = rows.any(1)
        assert torch.equal(rows.all(1), alive)
        assert float(alive.float().mean()) == pytest.approx(share, abs=0.07)
