"""One cut without a run: limits hold, the smaller network is the masked one, and can be told."""

from __future__ import annotations

import copy
import inspect
import pickle
import runpy
from pathlib import Path

import attrs
import pytest
import torch
from click.testing import CliRunner
from hypothesis import given, settings, strategies as st
from torch import nn
from torch.nn import functional as F  # noqa: N812
from torch.utils.data import DataLoader, SubsetRandomSampler, TensorDataset, default_collate

import evoframe
from evoframe.cli import main
from evoframe.config.recipe import AnatomyOptions
from evoframe.errors import ConfigError
from networks import NETWORKS
from support.blobs import Blobs

BLOBS = f"{Path(__file__).parents[1] / 'support' / 'blobs.py'}:Blobs"


class Pair(nn.Module):
    """Two blocks with shortcuts, norms and a head, for images of two channels."""

    def __init__(self, width: int = 12) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(2, width, 3, padding=1), nn.BatchNorm2d(width))
        self.one = self.block(width)
        self.two = self.block(width)
        self.head = nn.Linear(width, 3)

    @staticmethod
    def block(width: int) -> nn.Sequential:
        """Return a block that keeps its width."""
        return nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=1), nn.BatchNorm2d(width),
        )  # fmt: skip

    def forward(self, x):
        x = self.stem(x).relu()
        x = (x + self.one(x)).relu()
        return self.head((x + self.two(x)).relu().mean((2, 3)))


class Residual(nn.Module):
    """A block with a shortcut."""

    def __init__(self, inner: int, scale: float) -> None:
        super().__init__()
        self.first, self.last = nn.Conv2d(12, inner, 3, padding=1), nn.Conv2d(inner, 12, 1)
        with torch.no_grad():
            for one in self.parameters():
                one.mul_(scale)

    def forward(self, x):
        return (x + self.last(self.first(x).relu())).relu()


class Tower(nn.Module):
    """Blocks in a list, of which the first hardly does anything."""

    def __init__(self, inner: int) -> None:
        super().__init__()
        self.stem, self.head = nn.Conv2d(2, 12, 3, padding=1), nn.Linear(12, 3)
        self.blocks = nn.Sequential(Residual(inner, 0.01), Residual(12, 1.0))

    def forward(self, x):
        return self.head(self.blocks(self.stem(x).relu()).mean((2, 3)))


class Focus(nn.Module):
    """Attention over pixels, with one layer for queries, keys and values, and a wide layer."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.wide = nn.Conv2d(2, 48, 1), nn.Conv2d(48, 96, 3)
        self.qkv, self.proj = nn.Conv2d(48, 144, 1), nn.Conv2d(48, 48, 1)
        self.head = nn.Linear(96, 3)

    def forward(self, x):
        x = self.stem(x)
        count, _, high, wide = x.shape
        q, k, v = self.qkv(x).reshape(count, 3, 4, -1, high * wide).unbind(1)
        seen = (q.transpose(-2, -1) @ k).softmax(-1)
        seen = (v @ seen.transpose(-2, -1)).reshape(count, -1, high, wide)
        return self.head(self.wide(x + self.proj(seen)).relu().mean((2, 3)))


class Fed(nn.Module):
    """A stream of which a block reads each channel by itself first."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.deep = nn.Conv2d(2, 12, 3), nn.Conv2d(12, 12, 3, padding=1, groups=12)
        self.wide, self.back = nn.Conv2d(12, 20, 1), nn.Conv2d(20, 12, 1)
        self.head = nn.Linear(12, 3)

    def forward(self, x):
        x = self.stem(x)
        return self.head((x + self.back(self.wide(self.deep(x)).relu())).mean((2, 3)))


class Beside(nn.Module):
    """A shortcut around three layers, of which the first is wide."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.wide = nn.Linear(4, 6), nn.Linear(6, 40)
        self.middle, self.last, self.head = nn.Linear(40, 9), nn.Linear(9, 6), nn.Linear(6, 3)

    def forward(self, x):
        x = self.stem(x)
        return self.head(x + self.last(self.middle(self.wide(x).relu()).relu()))


class Mixer(nn.Module):
    """Layers that mix the positions of all channels, and one that mixes channels."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.mix = nn.Linear(6, 12), nn.Linear(5, 5)
        self.wide, self.head = nn.Linear(12, 20), nn.Linear(20, 3)

    def forward(self, x):
        x = self.mix(self.stem(x).transpose(1, 2)).transpose(1, 2)
        return self.head(self.wide(x).relu().mean(1))


def own_collate(rows):
    """Return a batch as torch would make it; but nobody can know that."""
    return default_collate(rows)


def pair(seed: int = 0) -> tuple[Pair, tuple[torch.Tensor, torch.Tensor]]:
    torch.manual_seed(seed)
    return Pair().eval(), (torch.randn(48, 2, 6, 6), torch.arange(48) % 3)


@pytest.mark.slow
@settings(max_examples=6, deadline=None)
@given(
    st.sampled_from(["magnitude", "taylor", "fisher", "activation", "geometric-median"]),
    st.floats(1.3, 8),
    st.floats(1.3, 8),
    st.integers(1, 3),
)
def test_all_limits_hold_and_one_of_them_is_met(importance, flops, parameters, steps) -> None:
    """To within the bundles that are the largest; two limits at once."""
    network, data = pair()
    smaller = evoframe.shrink(
        network, data=data, loss=F.cross_entropy, importance=importance, steps=steps,
        flops=f"{flops:.3f}x", parameters=1 / parameters, examples=4, batches=1,
    )  # fmt: skip
    what = evoframe.shrunk(smaller)
    assert what.factor("flops") >= flops - 1e-3
    assert what.factor("parameters") >= parameters - 1e-3
    assert what.after["parameters"] == sum(one.numel() for one in smaller.parameters())
    # One more bundle is a twelfth of the width, so at most that much and its square are free.
    spare = 1 - max(
        what.after["flops"] / what.before["flops"] * flops,
        what.after["parameters"] / what.before["parameters"] * parameters,
    )
    assert spare <= 2.5 / min(has for _, has in what.channels.values())


def test_the_smaller_network_computes_what_the_whole_does_with_channels_at_zero() -> None:
    network, (inputs, _) = pair()
    smaller = evoframe.shrink(network, (inputs[:1],), flops="2x")
    masked, kept = copy.deepcopy(network), {}
    for name in ("stem.0", "one.0", "one.3", "two.0", "two.3"):
        whole, small = network.get_submodule(name), smaller.get_submodule(name)
        # Rows are told by their biases, which are all different.
        kept[name] = torch.isin(whole.bias, small.bias)
        gone = ~kept[name]
        norm = masked.get_submodule(f"{name[:-1]}{int(name[-1]) + 1}")
        norm.weight.data[gone] = norm.bias.data[gone] = 0.0
    assert torch.equal(kept["stem.0"], kept["one.3"])
    assert sum(int((~one).sum()) for one in kept.values()) > 5
    assert torch.allclose(smaller(inputs), masked(inputs), atol=1e-5)
    assert not smaller.training
    assert sum(one.numel() for one in network.parameters()) > 5_000  # which was not changed


@pytest.mark.parametrize("importance", ["fisher", "magnitude"])
def test_blocks_leave_where_they_matter_least(importance) -> None:
    """A branch that hardly adds anything goes as a whole, and limits hold as they do without."""
    network, data = pair()
    with torch.no_grad():
        for one in network.one.parameters():
            one.mul_(0.01)
    smaller = evoframe.shrink(
        network, data=data, loss=F.cross_entropy, flops="1.8x", depth=True,
        importance=importance, examples=12,
    )  # fmt: skip
    what = evoframe.shrunk(smaller)
    assert what.blocks == ("the network (1)",)
    assert "the network (1): left as a whole" in str(what)
    assert what.channels["one.0.weight"] == (12, 0)
    assert what.factor("flops") >= 1.8
    assert what.after["parameters"] == sum(one.numel() for one in smaller.parameters())
    assert not any(one.numel() for one in smaller.one.parameters())
    again = evoframe.shrink(smaller, data=data, loss=F.cross_entropy, parameters="2x", depth=True)
    assert evoframe.shrunk(again).factor("parameters") >= 2


@pytest.mark.parametrize("inner", [12, 5])
def test_channels_around_a_block_that_left_still_leave(inner) -> None:
    """What stands in the block's place follows them, whatever widths it had inside."""
    torch.manual_seed(0)
    network, images = Tower(inner).eval(), torch.randn(4, 2, 6, 6)
    options = {"depth": True, "at_least": 0.99}
    without = evoframe.shrink(network, (images,), flops="1.2x", **options)
    assert evoframe.shrunk(without).blocks == ("blocks.0",)
    smaller = evoframe.shrink(without, (images,), flops="2x", keep=["blocks.1.first"])
    apart = (without.stem.weight[:, None] - smaller.stem.weight).flatten(2).abs().amax(2)
    gone = apart.amin(1) > 0
    assert 0 < int(gone.sum()) == 12 - len(smaller.stem.weight)
    with torch.no_grad():  # the same with zeros in their places
        for part in (without.stem, without.blocks[1].last):
            part.weight[gone], part.bias[gone] = 0, 0
    assert torch.allclose(without(images), smaller(images), atol=1e-5)
    first = [name for name, one in network.named_parameters() if one.ndim > 1]
    named = evoframe.shrink(without, (images,), flops="2x", evolvable=tuple(first))
    assert evoframe.shrunk(named).channels.keys() < {*first}  # what left has nothing to lose


def test_blocks_leave_one_after_the_other() -> None:
    """Those that left keep one channel inside, which is in nobody's way."""
    torch.manual_seed(0)
    network, given = Tower(12).eval(), (torch.randn(4, 2, 6, 6),)
    network.blocks.append(Residual(12, 0.05))
    wide = {name: {"at_least": 12} for name in ("stem", "blocks.1.first")}
    for left in ("blocks.0", "blocks.2"):
        network = evoframe.shrink(network, given, flops="1.3x", depth=True, layers=wide)
        assert evoframe.shrunk(network).blocks == (left,)
        assert network.get_submodule(left).first.out_channels == 1
    assert network.blocks[1].first.weight.all()


def test_a_limit_out_of_reach_is_no_reason_to_empty_a_layer_that_stays() -> None:
    """The head's outputs stay, so its weights do, though nothing would read the stem without."""
    torch.manual_seed(0)
    network, images = Tower(12).eval(), torch.randn(4, 2, 6, 6)
    evolvable = tuple(
        name
        for name, one in network.named_parameters()
        if one.ndim > 1 and name != "blocks.1.last.weight"
    )
    options = {"keep": ["blocks.1.first"], "evolvable": evolvable}
    with pytest.raises(ConfigError, match=r"at most .* FLOPs cannot be reached: what stays costs"):
        evoframe.shrink(network, (images,), flops="3x", **options)
    with pytest.raises(ConfigError, match="layers have more channels than they may"):
        evoframe.shrink(network, (images,), flops=0.9, layers={"stem": {"at_most": 6}}, **options)
    smaller = evoframe.shrink(network, (images,), flops="1.5x", **options)
    assert smaller.head.weight.any()


class Token(nn.Module):
    """Reads one token that only attention tells of the others."""

    def __init__(self) -> None:
        super().__init__()
        self.embed, self.head = nn.Linear(5, 8), nn.Linear(8, 3)
        self.token = nn.Parameter(torch.randn(1, 1, 8))
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
        self.up, self.down = nn.Linear(8, 24), nn.Linear(24, 8)

    def forward(self, x):
        x = torch.cat([self.token.expand(len(x), -1, -1), self.embed(x)], 1)
        x = x + self.attention(x, x, x, need_weights=False)[0]
        x = x + self.down(self.up(x).relu())
        return self.head(x[:, 0])


def test_blocks_do_not_leave_a_network_that_hears_nothing() -> None:
    """Any of them could leave, but not the last one by which outputs know of inputs."""
    torch.manual_seed(0)
    network, inputs = Token().eval(), (torch.randn(2, 4, 5),)
    with torch.no_grad():
        for one in network.attention.parameters():
            one.mul_(0.01)
    with pytest.raises(ConfigError, match="outputs are the same for all inputs"):
        evoframe.shrink(network, inputs, parameters="1.3x", depth=True)
    options = {"depth": True, "keep": ["attention.out_proj"]}
    smaller = evoframe.shrink(network, inputs, parameters="1.3x", **options)
    assert not torch.equal(smaller(inputs[0]), smaller(inputs[0] + 1))


class TwoHeads(nn.Module):
    """Answers twice, and gives a class and a number that is the same for all besides."""

    def __init__(self) -> None:
        super().__init__()
        self.well, self.badly = nn.Linear(8, 16), nn.Linear(8, 16)
        self.heads = nn.ModuleList([nn.Linear(16, 2), nn.Linear(16, 2)])
        with torch.no_grad():
            self.badly.bias.sub_(20).mul_(torch.linspace(0, 1, 16))  # below the kink of the ReLU

    def forward(self, x):
        well, badly = self.heads[0](self.well(x).relu()), self.heads[1](self.badly(x).relu())
        return {"well": well, "badly": badly, "class": badly.argmax(1), "two": x.new_ones(2)}


def test_each_of_several_outputs_hears() -> None:
    """A head of which only the channels are left that are below the kink of their ReLU is named."""
    torch.manual_seed(0)
    network, inputs = TwoHeads().eval(), torch.randn(2, 8)
    with torch.no_grad():
        network.badly.weight.mul_(torch.linspace(0.1, 1, 16)[:, None])
    options = {"at_least": 1, "evolvable": ("well.weight", "badly.weight")}
    smaller = evoframe.shrink(network, (inputs,), parameters="1.5x", **options)
    assert torch.equal(smaller(inputs)["badly"], smaller(inputs + 1)["badly"])
    assert "its output badly is the same for all inputs" in str(evoframe.shrunk(smaller))
    smaller = evoframe.shrink(network, (inputs,), parameters="1.5x", keep=["badly"], **options)
    assert not torch.equal(smaller(inputs)["badly"], smaller(inputs + 1)["badly"])
    assert not evoframe.shrunk(smaller).lost


class Aided(nn.Module):
    """Has a head that only training runs, which asks for labels."""

    def __init__(self) -> None:
        super().__init__()
        self.body, self.head, self.aid = nn.Linear(8, 16), nn.Linear(16, 3), nn.Linear(16, 3)

    def forward(self, x, labels=None):
        x = self.body(x).relu()
        if not self.training:
            return self.head(x)
        return {"loss": F.cross_entropy(self.head(x) + self.aid(x), labels)}


def test_what_only_training_runs_is_tried_with_labels_or_told_not_to_be() -> None:
    """Else the smaller network breaks when it is trained, and nobody had said so."""
    torch.manual_seed(0)
    inputs, labels = torch.randn(20, 8), torch.arange(20) % 3
    smaller = evoframe.shrink(Aided(), (inputs[:2],), parameters="1.5x")
    assert "in training it does not run on the example inputs" in evoframe.shrunk(smaller).untried
    assert "try: data=loader" in str(evoframe.shrunk(smaller))

    rows = [{"x": x, "labels": y} for x, y in zip(inputs, labels, strict=True)]
    with pytest.raises(ConfigError, match="in training, a smaller network computes something"):
        evoframe.shrink(
            Aided(), data=DataLoader(rows, 10), parameters="1.5x", importance="magnitude"
        )


def test_what_stays_is_told_with_what_helps() -> None:
    """In what was cut, each remedy once; and where the cut asked for cannot be had."""
    network = nn.Sequential(
        nn.Linear(8, 6), nn.LayerNorm(6), nn.Linear(6, 6), nn.LayerNorm(6), nn.Linear(6, 9),
        nn.ReLU(), nn.Linear(9, 2),
    )  # fmt: skip
    smaller = evoframe.shrink(network, (torch.randn(4, 8),), parameters=190)
    lines = str(evoframe.shrunk(smaller)).splitlines()
    kept = [one for one in lines if one.startswith("kept at aten.native_layer_norm.default in ")]
    assert len(kept) == 1
    assert [one for one in lines if "try: " in one] == [lines[-1]]
    with pytest.raises(ConfigError, match=r"The main obstacle is aten.native_layer_norm.*Try: "):
        evoframe.shrink(network, (torch.randn(4, 8),), parameters=100)


def test_nothing_is_left_behind_that_is_empty_and_stays() -> None:
    """What only an empty layer reads would leave too, and be what a limit is met by."""
    torch.manual_seed(0)
    names = ("stem.weight", "middle.weight")
    network, given = Beside().eval(), (torch.randn(5, 4),)
    with pytest.raises(ConfigError, match=r"nothing would be left of middle\.weight"):
        evoframe.shrink(network, given, parameters=200, evolvable=names)
    smaller = evoframe.shrink(network, given, parameters=500, evolvable=names)
    assert smaller.wide.weight.shape[0] == 40
    assert smaller.middle.weight.any(1).all()


def test_layers_that_do_not_evolve_are_kept_as_well() -> None:
    """Their channels would leave with those that a depthwise layer behind them loses."""
    torch.manual_seed(0)
    deep = nn.Conv2d(8, 8, 3, groups=8)
    network = nn.Sequential(nn.Conv2d(2, 8, 3), deep, nn.Conv2d(8, 8, 1), nn.Conv2d(8, 3, 1)).eval()
    given, evolvable = (torch.randn(4, 2, 6, 6),), ("1.weight", "2.weight")
    options = {"parameters": "1.2x", "scope": "layer", "evolvable": evolvable}
    assert len(evoframe.shrink(network, given, **options)[0].weight) < 8
    smaller = evoframe.shrink(network, given, keep=["0"], **options)
    assert len(smaller[0].weight) == 8
    assert len(smaller[2].weight) < 8


def test_channels_that_live_without_synapses_are_not_emptied_for_a_limit() -> None:
    """Two layers that do not evolve write and read them, and others stay as wide as they are."""
    torch.manual_seed(0)
    network, given = Fed().eval(), (torch.randn(4, 2, 6, 6),)
    evolvable = ("stem.weight", "back.weight", "head.weight")
    with pytest.raises(ConfigError, match="cannot be reached: what stays costs 899 at the least"):
        evoframe.shrink(network, given, parameters="1.2x", evolvable=evolvable)
    assert evoframe.shrunk(evoframe.shrink(network, given, parameters="1.2x")).channels


def test_layers_of_positions_say_nothing_of_channels_and_hinder_nobody() -> None:
    torch.manual_seed(0)
    network, data = Mixer().eval(), (torch.randn(9, 5, 6), torch.arange(9) % 3)
    options = {"data": data, "loss": F.cross_entropy, "importance": "activation"}
    channels = evoframe.shrunk(evoframe.shrink(network, parameters="1.5x", **options)).channels
    assert channels["wide.weight"] < (20, 20)


def test_the_last_layer_is_the_one_that_is_used_last() -> None:
    """Not the one that stands last in the code, which would keep all that it writes."""
    torch.manual_seed(0)
    smaller = evoframe.shrink(Tower(12).eval(), (torch.randn(4, 2, 6, 6),), flops="3x")
    channels = evoframe.shrunk(smaller).channels
    assert channels["blocks.1.last.weight"] == channels["stem.weight"] < (12, 12)
    assert "head.weight" not in channels


def test_what_was_shrunk_is_shrunk_on() -> None:
    """As a module like any other: pickled, and the second cut counts from the first."""
    network, data = pair()
    first = evoframe.shrink(network, (data[0][:1],), parameters="2x")
    first = pickle.loads(pickle.dumps(first))
    second = evoframe.shrink(first, data=data, loss=F.cross_entropy, parameters="2x")
    before, after = (sum(p.numel() for p in one.parameters()) for one in (first, second))
    assert evoframe.shrunk(second).before["parameters"] == before >= 2 * after
    assert after > 0.35 * before
    second.train()
    F.cross_entropy(second(data[0]), data[1]).backward()
    assert all(one.grad is not None for one in second.parameters())


def test_the_same_cut_comes_out_again_and_global_randomness_is_left_alone() -> None:
    network, data = pair()
    options = {"data": data, "loss": F.cross_entropy, "flops": "3x", "steps": 2}
    before = torch.random.get_rng_state()
    one, two = (evoframe.shrink(network, **options) for _ in range(2))
    assert torch.equal(before, torch.random.get_rng_state())
    state = two.state_dict()
    assert all(torch.equal(value, state[name]) for name, value in one.state_dict().items())


def test_layers_to_keep_and_floors_hold() -> None:
    network, data = pair()
    smaller = evoframe.shrink(
        network, (data[0][:1],), flops="2x", keep=["one.0"], at_least=5, multiple=2
    )
    channels = evoframe.shrunk(smaller).channels
    assert channels["one.0.weight"] == (12, 12)
    assert all(has >= 5 and has % 2 == 0 for _, has in channels.values())
    with pytest.raises(ConfigError, match="cannot be cut that far"):
        evoframe.shrink(network, (data[0][:1],), flops="100x", at_least=0.5)


def test_layers_that_may_not_be_wide_cost_no_others_what_may_be_spent() -> None:
    """Lines of heads beyond the bound are many, and are passed over one and all."""
    torch.manual_seed(0)
    network = Focus()
    smaller = evoframe.shrink(
        network, (torch.zeros(1, 2, 6, 6),), flops="2x", layers={"qkv": {"at_most": 0.5}}
    )
    shrunk = evoframe.shrunk(smaller)
    assert shrunk.channels["qkv.weight"][1] <= 72
    assert 0.95 / 2 < shrunk.after["flops"] / shrunk.before["flops"] <= 1 / 2


def test_statistics_of_norms_are_those_of_the_smaller_network() -> None:
    """The running mean of the first norm is the mean of what it is given."""
    network, data = pair()
    options = {"data": data, "loss": F.cross_entropy, "flops": "2x"}
    left, anew = (evoframe.shrink(network, **options, statistics=n) for n in (0, 1))
    given: list[torch.Tensor] = []
    anew.one[4].register_forward_pre_hook(lambda _, inputs: given.append(inputs[0]))
    for norm in [one for one in anew.modules() if isinstance(one, nn.BatchNorm2d)]:
        norm.train()
        norm.momentum = 0.0
    anew(data[0])
    assert torch.allclose(anew.one[4].running_mean, given[0].mean((0, 2, 3)), atol=1e-4)
    assert not torch.allclose(left.one[4].running_mean, anew.one[4].running_mean, atol=1e-3)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "no target given"),
        ({"flops": "0.5x"}, "no less than the network has"),
        ({"flops": "four times"}, "wanted a factor as in '4x'"),
        ({"bytes": -1}, "wanted a factor"),
        ({"flops": "2x", "importance": "tailor"}, "Did you mean 'taylor'"),
        ({"flops": "2x", "importance": "taylor"}, "needs data"),
        ({"flops": "2x", "statistics": 3}, "need"),
        ({"flops": "2x", "steps": 0}, "at least one cut"),
        ({"flops": "1000x"}, "cannot be reached: what stays costs"),
        ({"flops": 4}, "a factor is written '4x'"),
    ],
)
def test_what_makes_no_sense_is_refused_in_words(options, words) -> None:
    network, data = pair()
    with pytest.raises(ConfigError, match=words):
        evoframe.shrink(network, (data[0][:1],), **options)


def test_loaders_and_data_sets_are_read_as_they_are() -> None:
    """Only what takes examples one by one cannot do with somebody's batches."""
    network, data = pair()
    examples = TensorDataset(*data)
    options = {"loss": F.cross_entropy, "flops": "2x"}
    loader = DataLoader(examples, batch_size=12, shuffle=True)
    whole, alone = (evoframe.shrink(network, data=one, **options) for one in (loader, examples))
    assert evoframe.shrunk(whole).factor("flops") >= 2
    assert torch.equal(whole.head.weight, alone.head.weight)
    own = DataLoader(examples, batch_size=12, collate_fn=own_collate)
    assert evoframe.shrunk(evoframe.shrink(network, data=own, **options)).factor("flops") >= 2
    with pytest.raises(ConfigError, match="this loader only gives batches"):
        evoframe.shrink(network, data=own, importance="fisher", **options)


class Held(TensorDataset):
    """Examples of which the last half are held out; who reads them is told."""

    def __init__(self, *tensors) -> None:
        super().__init__(*tensors)
        self.read: list[int] = []

    def __getitem__(self, index):
        self.read.append(index)
        return super().__getitem__(index)


@pytest.mark.parametrize("importance", [None, "fisher", "taylor"])
def test_no_example_is_read_that_the_sampler_of_a_loader_does_not_give(importance) -> None:
    """A data set may hold what is held out, too."""
    network, data = pair()
    held = Held(*data)
    learned = list(range(len(held) // 2))
    loader = DataLoader(held, 4, sampler=SubsetRandomSampler(learned))

    options = {"data": loader, "loss": F.cross_entropy, "importance": importance}
    evoframe.shrink(network, flops="2x", **options)

    assert set(held.read) == set(learned)


def test_inputs_or_data_are_needed() -> None:
    with pytest.raises(ConfigError, match="needs inputs for one forward pass"):
        evoframe.shrink(pair()[0], flops="2x")
    with pytest.raises(ConfigError, match=r"was not given by evoframe\.shrink"):
        evoframe.shrunk(pair()[0])


def test_the_command_writes_what_load_reads(tmp_path) -> None:
    """And tells the factors; a folder that is there is refused before anything is surveyed."""
    out = tmp_path / "small"
    command = ["shrink", "--task", BLOBS, "--flops", "3x", "--out", str(out)]
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 0, result.output
    assert "x fewer" in result.output
    smaller = evoframe.load(out, lambda: Blobs().ancestor(None))
    assert sum(one.numel() for one in smaller.parameters()) < 403 / 2
    assert smaller(torch.zeros(2, 4)).shape == (2, 3)
    again = CliRunner().invoke(main, command)
    assert again.exit_code == 2
    assert "is there already" in again.output


OF_THE_TASK = {"network", "example_inputs", "data", "loss", "forward", "targets", "evolvable"}
OF_ANATOMY = {"keep", "at_least", "multiple", "layers"}


def test_the_command_has_every_option_of_the_function() -> None:
    """Else what a page recommends can be had from Python alone."""
    function = inspect.signature(evoframe.shrink).parameters
    command = {one.name: one for one in main.get_command(None, "shrink").params}
    assert {field.name for field in attrs.fields(AnatomyOptions)} >= OF_ANATOMY
    for name in function.keys() - OF_THE_TASK - OF_ANATOMY:
        due = "fisher" if name == "importance" else function[name].default
        made = command[name].default
        assert due is None or due is False or made == due, name


def test_the_command_cuts_as_the_function_does(tmp_path: Path) -> None:
    """With whatever options; and says first of an untrained network what that is worth."""
    file = tmp_path / "many.py"
    file.write_text(
        "import torch\nfrom torch import nn\nimport evoframe\n\n\n"
        "def given():\n"
        "    torch.manual_seed(0)\n"
        "    net = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 2)).eval()\n"
        "    return net, (torch.randn(640, 8), torch.arange(640) % 2)\n\n\n"
        "def task():\n"
        "    net, data = given()\n"
        "    return evoframe.task(network=net, train=data, validation=data, trained=False,\n"
        "                         loss=nn.functional.cross_entropy)\n"
    )
    options = {"importance": "magnitude", "scope": "layer", "normalise": "max", "steps": 2}
    options |= {"parameters": "2x", "repair": 10}
    flags = [text for name, one in options.items() for text in (f"--{name}", str(one))]
    command = ["shrink", "--task", f"{file}:task", "--depth", "--out", str(tmp_path / "small")]
    result = CliRunner().invoke(main, [*command, *flags])
    assert result.exit_code == 0, result.output
    assert result.output.index("comes trained") < result.output.index("x fewer")

    given = runpy.run_path(str(file))["given"]
    network, data = given()
    smaller = evoframe.shrink(
        network, data=data, loss=F.cross_entropy, depth=True, **options
    )  # fmt: skip
    written = evoframe.load(tmp_path / "small", lambda: given()[0])
    assert torch.equal(written(data[0]), smaller(data[0]))
    options["repair"] = 0
    without = evoframe.shrink(network, data=data, loss=F.cross_entropy, **options)
    assert not torch.equal(without(data[0]), smaller(data[0]))


@pytest.mark.slow
@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_of_the_registry_is_cut_or_refused(name) -> None:
    """Whatever comes out keeps its limit and runs; what is read in odd ways is no bundle's."""
    case = NETWORKS[name]
    torch.manual_seed(0)
    network, inputs = case.make().double().eval(), case.example()
    evolvable = tuple(case.evolvable(network))
    try:
        smaller = evoframe.shrink(
            network, inputs, parameters="1.2x", evolvable=evolvable, normalise="none"
        )
    except ConfigError as error:
        assert "cannot be cut that far" in str(error)  # noqa: PT017
        return
    assert evoframe.shrunk(smaller).factor("parameters") >= 1.2
    smaller(*inputs)


def test_a_loader_is_read_one_by_one_where_it_can_be(tmp_path: Path) -> None:
    """`evoframe shrink` takes the task that its pages show, with its default importance."""
    file = tmp_path / "pair.py"
    file.write_text(
        "import torch\nfrom torch import nn\nimport evoframe\n"
        "from torch.utils.data import BatchSampler, DataLoader, RandomSampler, TensorDataset\n\n\n"
        "def task(own=False):\n"
        "    data = TensorDataset(torch.randn(40, 8), torch.arange(40) % 2)\n"
        "    loader = DataLoader(data, 20, shuffle=True)\n"
        "    if own:\n"
        "        loader = DataLoader(data, 20, collate_fn=lambda rows: tuple(\n"
        "            torch.stack([row[at] for row in rows]) for at in range(2)))\n"
        "    network = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 2))\n"
        "    return evoframe.task(network=network, train=loader, validation=loader,\n"
        "        loss=nn.functional.cross_entropy)\n\n\n"
        "def own():\n    return task(own=True)\n"
    )
    asked = ["--parameters", "2x", "--out", str(tmp_path / "small")]

    refused = CliRunner().invoke(main, ["shrink", "--task", f"{file}:own", *asked])
    done = CliRunner().invoke(main, ["shrink", "--task", f"{file}:task", *asked])

    assert refused.exit_code == 2
    assert "only gives batches of its own. Hand evoframe.task the data set" in refused.output
    assert done.exit_code == 0, done.output
    assert "0.weight: 32 -> " in done.output


@pytest.mark.parametrize(
    ("given", "found"), [(nn.Linear, "the class Linear"), (nn.Linear(2, 2).state_dict(), "Ordered")]
)
def test_what_is_no_network_is_refused(given, found) -> None:
    """A class and a state dict are what people hold in their hands first."""
    with pytest.raises(ConfigError, match=f"was given {found}"):
        evoframe.shrink(given, (torch.zeros(1, 2),), flops="2x")
