"""Surgery that is never silently wrong: over generated networks, and tricky ones by name."""

from __future__ import annotations

import copy
from dataclasses import dataclass

import pytest
import torch
from hypothesis import given, strategies as st
from torch import nn
from torch.nn import functional as F  # noqa: N812

from evoframe import anatomy
from evoframe.errors import TaskError
from evoframe.kernel.genotype import Genotype
from evoframe.kernel.wiring import settle
from evoframe.roles.task import WITH_SYNAPSES


class Block(nn.Module):
    """One of many ways in which channels meet; maps (N, C, H, W) to the same shape."""

    def __init__(self, kind: str, width: int, *, bias: bool) -> None:
        super().__init__()
        self.kind = kind
        wide = {"chunk": 2, "glu": 2, "pixels": 4, "widen": 3}.get(kind, 1) * width
        groups = {"depthwise": width, "grouped": 2}.get(kind, 1)
        self.one = nn.Conv2d(width, wide, 3, padding=1, groups=groups, bias=bias)
        self.norm = nn.BatchNorm2d(wide) if bias else nn.Identity()
        after = {"chunk": width, "glu": width, "pixels": width}.get(kind, wide)
        after += width if kind == "concat" else 0
        self.two = nn.Conv2d(after, width, 1, bias=bias)
        self.gate = nn.Conv2d(width, 1 if kind == "spatial" else width, 1, bias=bias)
        self.up = nn.ConvTranspose2d(width, width, 2, 2, bias=bias)

    def forward(self, x):
        y = self.norm(self.one(x))
        act = F.relu
        match self.kind:
            case "residual":
                return act(self.two(act(y)) + x)
            case "in place":
                y = self.two(act(y))
                y += x
                return F.relu_(y)
            case "concat":
                return act(self.two(torch.cat([x, act(y)], 1)))
            case "squeeze":
                return self.two(act(y)) * self.gate(y.mean((2, 3), keepdim=True))
            case "spatial":
                return act(self.two(act(y))) * torch.sigmoid(self.gate(x))
            case "sigmoid":
                return self.two(torch.sigmoid(y))
            case "chunk":
                left, right = act(y).chunk(2, 1)
                return self.two(left) + self.gate(right)
            case "glu":
                return self.two(F.glu(y, 1))
            case "pixels":
                return self.two(F.avg_pool2d(F.pixel_shuffle(act(y), 2), 2))
            case "shuffle":
                n, c, h, w = y.shape
                return self.two(act(y).view(n, 2, c // 2, h, w).transpose(1, 2).reshape(n, c, h, w))
            case "transposed":
                return self.two(F.max_pool2d(act(self.up(act(y))), 2))
            case "upsample":
                return self.two(F.avg_pool2d(F.interpolate(act(y), scale_factor=2), 2))
            case "reuse":
                return self.two(act(self.two(act(y))))
            case "flip":
                return self.two(act(y).flip(1))
            case "tokens":
                tokens = act(y).flatten(2).transpose(1, 2)
                weights = (tokens @ tokens.transpose(1, 2)).softmax(-1)
                return self.two((weights @ tokens).transpose(1, 2).reshape(y.shape))
            case "write":
                y = y.clone()
                y[:, 0] = x[:, 0]
                return self.two(act(y))
            case "by position":
                return self.two(torch.cat([act(y)[:, 1:], act(y)[:, :1]], 1))
            case "roll":
                return self.two(act(y).roll(1, 2))
            case "roll channels":
                return self.two(act(y).roll(1, 1))
            case "lookup":
                return self.two(act(y)[:, :, [3, 1, 0, 0]])
            case "where":
                return self.two(torch.where(torch.eye(4, dtype=torch.bool), act(y), act(y).abs()))
            case "unfold":
                columns = F.unfold(act(y), 3, padding=1)
                return self.two(F.fold(columns, (4, 4), 3, padding=1) / 9)
            case "pad":
                return act(F.pad(self.two(act(y))[:, :, ::2, ::2], (0, 2, 1, 1)) + x)
            case _:
                return self.two(act(y))


KINDS = [
    "plain", "widen", "residual", "in place", "concat", "squeeze", "spatial", "sigmoid", "chunk",
    "glu", "pixels", "shuffle", "transposed", "upsample", "reuse", "flip", "tokens", "write",
    "by position", "depthwise", "grouped", "pad", "roll", "roll channels", "lookup",
    "where", "unfold",
]  # fmt: skip


class Network(nn.Module):
    def __init__(self, kinds: list[str], width: int, *, bias: bool, flat: bool) -> None:
        super().__init__()
        self.stem = nn.Conv2d(2, width, 3, padding=1, bias=bias)
        self.blocks = nn.ModuleList(Block(kind, width, bias=bias) for kind in kinds)
        self.hidden = nn.Linear(width * 16 if flat else width, 5, bias=bias)
        self.head = nn.Linear(5, 3)
        self.flat = flat

    def forward(self, x):
        x = F.relu(self.stem(x))
        for block in self.blocks:
            x = block(x)
        x = x.flatten(1) if self.flat else x.mean((2, 3))
        return self.head(F.relu(self.hidden(x)))


def evolvable(network: nn.Module) -> list[str]:
    return [n for n, p in network.named_parameters() if p.ndim > 1][:-1]


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


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("bias", [True, False], ids=["bias", "no bias"])
def test_each_way_in_which_channels_meet_is_exact(kind, bias) -> None:
    """One network a kind, many genotypes: nothing is wrong, and whole channels really go."""
    torch.manual_seed(3)
    network = Network([kind], 6, bias=bias, flat=False).eval()
    inputs = torch.randn(3, 2, 4, 4)
    plan = anatomy.survey(network, (inputs[:1],), usual(network))
    smallest = whole = plan.costs(plan.genotype())["parameters"]

    for seed in range(8):
        settled = settle(thinned(plan, seed, 0.9, 0.4), plan.wiring)
        phenotype = plan.develop(settled)
        with torch.no_grad():
            grown = phenotype.network.eval()(inputs)
        assert torch.allclose(outputs(network, settled.state, inputs), grown, atol=1e-4, rtol=1e-4)
        smallest = min(smallest, plan.costs(settled)["parameters"])

    assert smallest < whole
    assert all(barrier.reason for barrier in plan.barriers)


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


class Hard(nn.Module):
    """Has a size written into its code."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = nn.Conv2d(2, 8, 3, padding=1), nn.Linear(8 * 16, 6)
        self.head = nn.Linear(6, 2)

    def forward(self, x):
        return self.head(F.relu(self.two(F.relu(self.one(x)).view(-1, 128))))


class Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem, self.qkv = nn.Linear(4, 8), nn.Linear(8, 24)
        self.out, self.mlp, self.back = nn.Linear(8, 8), nn.Linear(8, 16), nn.Linear(16, 8)
        self.norm, self.head = nn.LayerNorm(8), nn.Linear(8, 2)

    def forward(self, x):
        x = self.stem(x)
        n, t, _ = x.shape
        q, k, v = self.qkv(self.norm(x)).reshape(n, t, 3, 2, -1).permute(2, 0, 3, 1, 4).unbind(0)
        y = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(n, t, -1)
        x = x + self.out(y)
        return self.head((x + self.back(F.gelu(self.mlp(x)))).mean(1))


class Tied(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem, self.one, self.two = nn.Linear(4, 6), nn.Linear(6, 6), nn.Linear(6, 6)
        self.two.weight = self.one.weight
        self.head = nn.Linear(6, 2)

    def forward(self, x):
        return self.head(F.relu(self.two(F.relu(self.one(F.relu(self.stem(x)))))))


class Graph(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.one, self.two, self.head = nn.Linear(4, 8), nn.Linear(8, 8), nn.Linear(8, 2)

    def forward(self, x):
        near = torch.softmax(x @ x.t(), 1)
        x = torch.mm(near, F.relu(self.one(x)))
        return self.head(torch.mm(near, F.relu(self.two(x))))


class SharedNorm(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = nn.Linear(4, 6), nn.Linear(4, 6)
        self.norm, self.head = nn.BatchNorm1d(6), nn.Linear(12, 2)
        nn.init.normal_(self.norm.bias)

    def forward(self, x):
        both = [F.relu(self.norm(layer(x))) for layer in (self.one, self.two)]
        return self.head(torch.cat(both, 1))


@dataclass
class Answer:
    scores: torch.Tensor


class Wrapped(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.one, self.two, self.head = nn.Linear(4, 6), nn.Linear(6, 3), nn.Linear(6, 2)

    def forward(self, x):
        self.head(x := F.relu(self.one(x)))
        return Answer(self.two(x))


class Depends(nn.Module):
    """Computes on values, so it cannot run without them."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two, self.head = nn.Linear(4, 6), nn.Linear(6, 6), nn.Linear(6, 2)

    def forward(self, x):
        x = F.relu(self.one(x))
        if x.sum() > 0:
            x = F.relu(self.two(x))
        return self.head(x)


TRICKY = {
    "hard": (Hard, (3, 2, 4, 4)),
    "attention": (Attention, (3, 5, 4)),
    "tied": (Tied, (3, 4)),
    "graph": (Graph, (5, 4)),
    "shared norm": (SharedNorm, (3, 4)),
    "wrapped": (Wrapped, (3, 4)),
    "depends": (Depends, (3, 4)),
}


@pytest.mark.parametrize("name", TRICKY)
def test_tricky_networks_are_exact_or_kept_with_a_reason(name: str) -> None:
    """What is not understood stays as it was, and says why; it is never guessed."""
    make, shape = TRICKY[name]
    torch.manual_seed(1)
    network, inputs = make().eval(), torch.randn(shape)
    plan = anatomy.survey(network, (inputs,), usual(network))

    def run(module):
        with torch.no_grad():
            result = module(inputs)
        return getattr(result, "scores", result)

    for seed in range(10):
        settled = settle(thinned(plan, seed, 0.8, 0.4), plan.wiring)
        assert settled.synapses
        twin = copy.deepcopy(network)
        twin.load_state_dict(dict(settled.state), strict=False)
        grown = plan.develop(settled).network.eval()
        assert torch.allclose(run(twin), run(grown), atol=1e-5)
        assert plan.absorb(plan.develop(settled)).digest() == settled.digest()
    if name in ("hard", "attention", "tied", "depends"):
        assert plan.barriers


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
