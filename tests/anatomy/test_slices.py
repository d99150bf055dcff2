"""What is cut with its channels, and what keeps them, where parameters are computed with."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from evoframe import anatomy
from evoframe.kernel.genotype import Genotype
from evoframe.kernel.settling import settle
from networks.slices import HardCoded, Scaled
from support.exactness import share_that_leaves


def smaller(network: nn.Module):
    """Remove the first half of the first layer's channels; return what grew and what is due."""
    torch.manual_seed(0)
    plan = anatomy.survey(network.eval(), (torch.zeros(1, 3, 4, 4),), ["one.weight", "two.weight"])
    whole = plan.genotype()
    masks = {name: mask.clone() for name, mask in whole.masks.items()}
    masks["one.weight"][:4] = False
    masks["two.weight"][:, :4] = False
    genotype = settle(Genotype(masks, whole.state), plan.wiring)
    masked = copy.deepcopy(network)
    masked.load_state_dict(dict(genotype.state))
    return plan, genotype, plan.develop(genotype), masked


@pytest.mark.parametrize("way", ["view", "function", "bias", "passing buffer"])
def test_what_is_made_of_a_parameter_slice_by_slice_is_cut_with_it(way) -> None:
    """A layer scale behind a view is no reason to keep its channels."""
    plan, genotype, phenotype, masked = smaller(Scaled(way))
    inputs = torch.randn(2, 3, 4, 4)

    assert phenotype.network.one.weight.shape == (4, 3, 3, 3)
    met = phenotype.network.fixed if way == "passing buffer" else phenotype.network.gamma
    assert met.shape == (4,)
    torch.testing.assert_close(phenotype.network(inputs), masked(inputs))
    assert plan.absorb(phenotype).digest() == genotype.digest()


@pytest.mark.parametrize("network", [HardCoded("view"), Scaled("table"), Scaled("unsqueeze")])
def test_what_cannot_be_cut_keeps_its_channels(network) -> None:
    """Sizes in the code and look-ups that are put together: kept, with a reason, and exact."""
    plan, _, phenotype, masked = smaller(network)
    inputs = torch.randn(2, 3, 4, 4)

    assert phenotype.network.one.weight.shape[0] == 8
    assert plan.barriers
    torch.testing.assert_close(phenotype.network(inputs), masked(inputs))


class Squeezed(nn.Module):
    """A depthwise layer whose kernels go around as (channels, taps), as causal ones do."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = nn.Conv1d(6, 16, 1), nn.Conv1d(16, 5, 1)
        self.mix = nn.Conv1d(16, 16, 3, groups=16)

    def forward(self, x):
        kernel = self.mix.weight.squeeze(1)
        x = nn.functional.pad(self.one(x), (kernel.shape[-1] - 1, 0))
        x = nn.functional.conv1d(x, kernel.unsqueeze(1), self.mix.bias, groups=len(kernel))
        return self.two(x)


def test_kernels_that_were_squeezed_are_those_of_their_layer() -> None:
    torch.manual_seed(0)
    assert share_that_leaves(Squeezed(), (torch.randn(2, 6, 7).double(),)) > 0.8


class Mixed(nn.Module):
    """A gate for each channel says how much of one layer, and how little of another."""

    def __init__(self, way) -> None:
        super().__init__()
        self.one, self.two, self.head = nn.Linear(6, 12), nn.Linear(6, 12), nn.Linear(12, 3)
        self.gate, self.way = nn.Parameter(torch.randn(12)), way

    def forward(self, x):
        gate = self.way(self.gate)
        return self.head((1.0 - gate) * self.one(x) + gate * self.two(x))


@pytest.mark.parametrize("way", [torch.sigmoid, nn.functional.silu, lambda gate: 1 - gate.cos()])
def test_what_is_left_of_a_gate_is_a_gate(way) -> None:
    torch.manual_seed(0)
    assert share_that_leaves(Mixed(way), (torch.randn(5, 6).double(),)) > 0.8
