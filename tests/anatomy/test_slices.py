"""Parameters that code views, looks up or computes with before channels meet them."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from evoframe import anatomy
from evoframe.kernel.genotype import Genotype
from evoframe.kernel.wiring import settle


class Scaled(nn.Module):
    """Eight channels that meet a parameter on their way from one convolution to the next."""

    def __init__(self, way: str) -> None:
        super().__init__()
        self.way = way
        self.one, self.two = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 4, 3, padding=1)
        self.gamma = nn.Parameter(torch.rand(8) + 0.5)
        self.table = nn.Parameter(torch.rand(5, 8) + 0.5)
        self.register_buffer("places", torch.tensor([[4, 0], [2, 1]]))
        self.register_buffer("fixed", torch.rand(8) + 0.5, persistent=False)
        self.head = nn.Conv2d(4, 2, 1)

    def forward(self, x):
        return self.head(self.two(self.met(torch.relu(self.one(x)))))

    def met(self, x):
        if self.way == "view":
            return x * self.gamma.view(1, -1, 1, 1)
        if self.way == "unsqueeze":
            return x * self.gamma.unsqueeze(1).unsqueeze(2).squeeze()[:, None, None].expand(8, 4, 4)
        if self.way == "function":
            return x * (1 + self.gamma.reshape(-1, 1, 1).exp() * 2)
        if self.way == "passing buffer":
            return x * self.fixed[:, None, None]
        if self.way == "bias":
            return x + self.gamma.view(1, -1, 1, 1).tanh()
        bias = self.table[self.places.view(-1)].view(2, 2, -1).permute(2, 0, 1).contiguous()
        return x + torch.cat([bias, bias], 1).repeat(1, 1, 2).unsqueeze(0)[:, :, :4, :4]


class HardCoded(Scaled):
    """The number of channels stands in the code."""

    def met(self, x):
        return x * self.gamma.view(1, 8, 1, 1)


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
