"""Surgery that is never silently wrong, over networks put together at random."""

from __future__ import annotations

import copy

import pytest
import torch
from hypothesis import given, strategies as st
from torch import nn

from evoframe import anatomy
from evoframe.errors import TaskError
from evoframe.kernel.genotype import Genotype
from evoframe.kernel.settling import settle
from evoframe.roles.task import WITH_SYNAPSES
from networks.blocks import KINDS, Network


def usual(network: nn.Module) -> list[str]:
    modules = [n for n, m in network.named_modules() if isinstance(m, WITH_SYNAPSES)]
    return [f"{name}.weight" for name in modules][:-1]


def thinned(plan: anatomy.Anatomy, seed: int, share: float, dead: float) -> Genotype:
    """Return the ancestor's genotype with random synapses and whole random channels gone."""
    generator = torch.Generator().manual_seed(seed)
    whole = plan.genotype()
    doomed = torch.rand(len(plan.bundles.classes), generator=generator) < dead
    doomed = doomed[plan.bundles.classes]
    masks = {}
    for name, mask in whole.masks.items():
        kept = torch.rand(mask.shape, generator=generator) < share
        masks[name] = kept & ~doomed[plan.wiring.targets[name]]
    return Genotype(masks, whole.state)


def outputs(network: nn.Module, state, inputs: torch.Tensor) -> torch.Tensor:
    twin = copy.deepcopy(network)
    twin.load_state_dict(dict(state), strict=False)
    with torch.no_grad():
        return twin.eval()(inputs)


@st.composite
def networks(draw) -> tuple[Network, torch.Tensor, bool]:
    torch.manual_seed(draw(st.integers(0, 1000)))
    bias = draw(st.booleans())
    kinds = draw(st.lists(st.sampled_from(KINDS), min_size=1, max_size=3))
    network = Network(kinds, draw(st.sampled_from([4, 6])), bias=bias, flat=draw(st.booleans()))
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.weight)
            nn.init.normal_(module.bias)
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 2)
    return network.eval(), torch.randn(2, 2, 4, 4), bias


@given(
    networks(),
    st.integers(0, 2**32),
    st.sampled_from([0.3, 0.8, 1.0]),
    st.sampled_from([0.0, 0.4, 0.8]),
)
def test_a_smaller_network_computes_what_the_masked_one_does(case, seed, share, dead) -> None:
    """Exact within rounding, for every way in which channels meet; the ancestor is untouched."""
    network, inputs, bias = case
    before = {name: value.clone() for name, value in network.state_dict().items()}
    plan = anatomy.survey(network, (inputs[:1],), usual(network))
    genotype = thinned(plan, seed, share, dead)
    settled = settle(genotype, plan.wiring)

    phenotype = plan.develop(settled)

    with torch.no_grad():
        grown = phenotype.network.eval()(inputs)
    reference = outputs(network, settled.state, inputs)
    assert torch.allclose(reference, grown, atol=1e-4, rtol=1e-4)
    if not bias:  # without biases a dead channel is silent by itself: settling must not show
        masked = {
            name: value * genotype.masks[name] if name in genotype.masks else value
            for name, value in genotype.state.items()
        }
        assert torch.allclose(outputs(network, masked, inputs), grown, atol=1e-4, rtol=1e-4)
    assert plan.absorb(phenotype).digest() == settled.digest()
    assert all(torch.equal(value, network.state_dict()[n]) for n, value in before.items())
    parameters = sum(p.numel() for p in phenotype.network.parameters())
    assert plan.costs(settled)["parameters"] == parameters


def test_trained_phenotypes_come_home() -> None:
    """Weights learned in a smaller network lie where the ancestor had them."""
    torch.manual_seed(0)
    network = Network(["residual", "concat"], 6, bias=True, flat=True)
    plan = anatomy.survey(network, (torch.zeros(1, 2, 4, 4),), usual(network))
    settled = settle(thinned(plan, 1, 0.9, 0.4), plan.wiring)
    phenotype = plan.develop(settled)
    optimiser = torch.optim.SGD(phenotype.network.parameters(), lr=0.1, weight_decay=0.1)
    inputs = torch.randn(8, 2, 4, 4)
    for _ in range(3):
        optimiser.zero_grad()
        phenotype.network.train()(inputs).square().sum().backward()
        optimiser.step()
        phenotype.enforce()

    home = plan.absorb(phenotype)

    assert home.digest() != settled.digest()
    assert all(torch.equal(mask, settled.masks[name]) for name, mask in home.masks.items())
    with torch.no_grad():
        grown = phenotype.network.eval()(inputs)
    assert torch.allclose(outputs(network, home.state, inputs), grown, atol=1e-4)
    assert torch.allclose(plan.develop(home).network.eval()(inputs), grown, atol=1e-5)


def test_inputs_that_the_network_cannot_take_are_refused() -> None:
    """A wrong example would otherwise switch off all knowledge of the network in silence."""
    network = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))

    with pytest.raises(TaskError, match="cannot run on its example inputs"):
        anatomy.survey(network, (torch.zeros(1, 7),), ["0.weight"])
    with pytest.raises(TaskError, match="wanted a tuple"):
        anatomy.survey(network, torch.zeros(1, 4), ["0.weight"])
    with pytest.raises(TaskError, match="does not exist"):
        anatomy.survey(network, (torch.zeros(1, 4),), ["1.weight"])


class Idle(nn.Module):
    """Has a layer whose output nobody reads."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.head = nn.Conv2d(3, 4, 3), nn.Conv2d(4, 2, 1)
        self.idle = nn.Conv2d(4, 4, 3)

    def forward(self, x):
        x = torch.relu(self.one(x))
        self.idle(x)
        return self.head(x)


@pytest.mark.parametrize("evolvable", [["one.weight"], ["one.weight", "idle.weight"]])
def test_a_layer_that_nobody_reads_keeps_a_channel(evolvable) -> None:
    """A convolution without outputs is refused by torch, whether its layer evolves or not."""
    network = Idle().eval()
    plan = anatomy.survey(network, (torch.zeros(1, 3, 8, 8),), evolvable)

    smaller = plan.develop(settle(plan.genotype(), plan.wiring)).network

    assert smaller.idle.weight.shape[0] == 1
    inputs = torch.randn(2, 3, 8, 8)
    torch.testing.assert_close(smaller(inputs), network(inputs))
