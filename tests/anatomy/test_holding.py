"""Generated networks, held in generated ways: shrunk exactly in both modes, or refused in words.

A network is a chain of steps between layers; what people do to networks is put on top: wrappers,
ties, parametrisations, layouts, numbers made of widths, branches, and what only training runs.
"""

from __future__ import annotations

import functools

import pytest
import torch
from hypothesis import given, settings, strategies as st
from torch import nn
from torch.nn import functional as F  # noqa: N812
from torch.nn.utils import parametrizations
from torch.nn.utils.parametrize import is_parametrized

from evoframe import anatomy
from evoframe.errors import TaskError
from evoframe.roles.task import WITH_SYNAPSES
from support.surgery import cut, masked, smallest, tensors, thinned

NEAR = 1e-6
STEPS = ("plain", "residual", "norm", "gate", "concat", "sigmoid", "twice")
IN_FORWARD = (
    "alpha", "bound", "filled", "counted", "narrow", "on meta", "penalty", "features in training",
    "centre in training", "mean in training",
)  # fmt: skip


class Chain(nn.Module):
    """Linear layers with a step after each, and what a forward pass does besides."""

    def __init__(self, steps: list[str], ways: list[str], width: int) -> None:
        super().__init__()
        self.steps, self.ways = steps, ways
        self.stem, self.head = nn.Linear(6, width), nn.Linear(width, 3)
        self.layers = nn.ModuleList(
            nn.Linear(2 * width if step == "concat" else width, width) for step in steps
        )
        self.gates = nn.ModuleList(nn.Linear(width, width) for _ in steps)
        self.norms = nn.ModuleList(nn.BatchNorm1d(width) for _ in steps)
        self.register_buffer("mean", torch.zeros(width))

    def step(self, index: int, x):
        layer, kind = self.layers[index], self.steps[index]
        match kind:
            case "residual":
                return F.relu(layer(x) + x)
            case "norm":
                return F.relu(self.norms[index](layer(x)))
            case "gate":
                return F.relu(layer(x)) * torch.sigmoid(self.gates[index](x))
            case "concat":
                return F.relu(layer(torch.cat([x, F.relu(self.gates[index](x))], 1)))
            case "sigmoid":
                return torch.sigmoid(layer(x))
            case "twice":
                return F.relu(layer(F.relu(layer(x))))
            case _:
                return F.relu(layer(x))

    def besides(self, x):
        for way in self.ways:
            match way:
                case "alpha":
                    x = torch.add(x, x, alpha=x.shape[1])
                case "bound":
                    x = x.clamp(max=x.shape[1] / 10)
                case "filled":
                    x = x * torch.full((), float(x.shape[1]), dtype=x.dtype)
                case "narrow":
                    x = torch.tanh(x) if x.shape[1] < 5 else x
                case "on meta":
                    x = x if x.is_meta else x + self.layers[0].bias[: x.shape[1]]
                case "mean in training" if self.training:
                    self.mean.mul_(0.9).add_(x.detach().mean(0), alpha=0.1)
        return x

    def forward(self, x):
        x = early = F.relu(self.stem(x))
        for index in range(len(self.steps)):
            x = self.step(index, x)
        x = self.besides(x)
        out = [self.head(x)]
        if "counted" in self.ways:
            out.append(torch.arange(x.shape[1], dtype=x.dtype).mean() + x.new_zeros(len(x)))
        if "penalty" in self.ways:
            out.append(self.layers[0].weight.square().mean() + x.new_zeros(len(x)))
        if self.training and "features in training" in self.ways:
            out.append(early)
        if self.training and "centre in training" in self.ways:
            out.append((x - self.mean).square().mean(1))
        return tuple(out)


def wrapped(network):
    plain = network.forward

    @functools.wraps(plain)
    def forward(*given):
        with torch.autocast("cpu", enabled=False):
            return plain(*given)

    network.forward = forward
    return network


def wrapped_layer(network):
    layer = network.layers[0]
    plain = layer.forward
    layer.forward = lambda x: plain(x) * 1.0
    return network


def partial(network):
    network.stem.forward = functools.partial(network.stem.forward)
    return network


def compiled(network):
    network.layers[0].compile(backend="eager")
    return network


def tied(network):
    if is_parametrized(network.layers[-1]):
        return network
    network.gates[0].weight = network.layers[-1].weight
    return network


def weight_normed(network):
    parametrizations.weight_norm(network.stem)
    return network


def spectral_normed(network):
    parametrizations.spectral_norm(network.layers[-1])
    return network


def transposed(network):
    if is_parametrized(network.stem):
        return network
    weight = network.stem.weight
    network.stem.weight = nn.Parameter(weight.detach().t().contiguous().t())
    return network


def scalar_bias(network):
    network.stem.bias = nn.Parameter(torch.full((), 0.3, dtype=network.stem.bias.dtype))
    return network


def with_drawn_buffer(network):
    network.register_buffer("drawn", torch.randn(3), persistent=False)
    return network


def renamed(network):
    network._register_state_dict_hook(
        lambda _, state, *__: {f"model.{name}": one for name, one in state.items()}
    )
    return network


OUTSIDE = (
    wrapped, wrapped_layer, partial, compiled, tied, weight_normed, spectral_normed, transposed,
    scalar_bias, with_drawn_buffer, renamed,
)  # fmt: skip


@st.composite
def held(draw):
    """A network and how it was made: steps, ways in its forward pass, ways outside of it."""
    steps = draw(st.lists(st.sampled_from(STEPS), min_size=1, max_size=3))
    ways = draw(st.lists(st.sampled_from(IN_FORWARD), max_size=2, unique=True))
    outside = draw(st.lists(st.sampled_from(OUTSIDE), max_size=2, unique=True))
    return steps, ways, outside, draw(st.sampled_from([6, 9])), draw(st.integers(0, 1000))


def made(how) -> nn.Module:
    steps, ways, outside, width, seed = how
    torch.manual_seed(seed)
    network = Chain(steps, ways, width).double()
    for norm in network.norms:
        nn.init.normal_(norm.weight)
        nn.init.normal_(norm.bias)
        norm.running_var.uniform_(0.5, 1.5)
    for one in outside:
        network = one(network)
    return network.eval()


def taught(network, inputs):
    """Outputs, gradients by name, and buffers by name, of one pass in training."""
    outputs = tensors(network.train()(inputs))
    dice = torch.Generator().manual_seed(2)
    weighted = [
        (one * torch.randn(one.shape, generator=dice, dtype=one.dtype)).sum()
        for one in outputs
        if one.requires_grad
    ]
    sum(weighted).backward()
    slopes = {n: p.grad for n, p in network.named_parameters() if p.grad is not None}
    return outputs, slopes, dict(network.named_buffers())


def near(one, other, scale: float = 0.0) -> bool:
    if one.shape != other.shape:
        return False
    largest = max(float(other.detach().abs().max()) if other.numel() else 0.0, scale, 1e-12)
    return not other.numel() or float((one - other).detach().abs().max()) <= NEAR * largest


def check(how) -> None:
    network, inputs = made(how), torch.randn(4, 6).double()
    names = [f"{n}.weight" for n, m in network.named_modules() if isinstance(m, WITH_SYNAPSES)]
    existing = dict(network.named_parameters())
    weights = [name for name in names if name in existing and name != "head.weight"]
    try:
        plan = anatomy.survey(network, (inputs[:2],), weights)
    except TaskError:
        return  # in words; what those are is the business of other tests
    for genotype in (*thinned(plan), smallest(plan)):
        grown, twin = plan.develop(genotype), masked(made(how), genotype)
        with torch.no_grad():
            ours, due = tensors(grown.network.eval()(inputs)), tensors(twin.eval()(inputs))
        assert all(map(near, ours, due)), "in evaluation"
        assert plan.absorb(grown).digest() == genotype.digest()
        ours, slopes, buffers = taught(grown.network, inputs)
        due, right, statistics = taught(twin, inputs)
        assert all(map(near, ours, due)), "in training"
        steepest = max(float(one.abs().max()) for one in right.values())
        for name, slope in slopes.items():
            if name in right:
                assert near(slope, cut(grown, name, right[name]), steepest), name
        for name, value in buffers.items():
            if value.is_floating_point() and name in statistics and "drawn" not in name:
                assert near(value, cut(grown, name, statistics[name])), name


@pytest.mark.filterwarnings("ignore")
@settings(max_examples=8)
@given(held())
def test_a_network_is_exact_in_both_modes_or_refused(how) -> None:
    """Whatever people do to a network, nothing is silently wrong."""
    check(how)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@settings(max_examples=max(300, settings().max_examples))  # more in `make fuzz`
@given(held())
def test_many_networks_are_exact_in_both_modes_or_refused(how) -> None:
    """The same, a few hundred times."""
    check(how)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "how",
    [
        (["plain"], ["narrow", "features in training"], [], 6, 0),
        (["residual"], ["narrow", "centre in training"], [], 6, 0),
    ],
)
def test_what_only_training_reads_stays_where_few_channels_can_be_built(how) -> None:
    """Halves of a network that takes another way for them tell nothing of training."""
    check(how)
