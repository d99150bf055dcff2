"""Networks as people hold them: cut as they are, or refused in words that say what to do."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812
from torch.nn.utils import prune

import evoframe
from evoframe.errors import ConfigError, TaskError


class Attentive(nn.Module):
    """Attention of torch's own, which a replacement stands for, with large weights."""

    def __init__(self) -> None:
        super().__init__()
        self.norm, self.attention = nn.LayerNorm(16), nn.MultiheadAttention(16, 4, batch_first=True)
        self.wide, self.head = nn.Linear(16, 12), nn.Linear(12, 3)
        with torch.no_grad():
            for one in self.parameters():
                one.copy_(0.9 * torch.randn(one.shape))

    def forward(self, x):
        h = self.norm(x)
        x = x + self.attention(h, h, h, need_weights=False)[0]
        return self.head(self.wide(x).relu())


class Scaled(nn.Linear):
    """Learns at an equal rate whatever its width is."""

    def forward(self, x):
        return F.linear(x, self.weight / math.sqrt(self.weight.shape[1]), self.bias)


class Caching(nn.Module):
    """Gives out its keys and values."""

    def __init__(self) -> None:
        super().__init__()
        self.keys, self.values, self.head = nn.Linear(6, 64), nn.Linear(6, 64), nn.Linear(64, 3)

    def forward(self, x):
        keys, values = self.keys(x), self.values(x)
        return self.head(keys * values), (keys, values)


class Helped(nn.Module):
    """Has another head while it learns."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = nn.Linear(6, 16), nn.Linear(16, 12)
        self.head, self.auxiliary = nn.Linear(12, 3), nn.Linear(16, 3)

    def forward(self, x):
        x = self.one(x).relu()
        out = self.head(self.two(x).relu())
        return (out, self.auxiliary(x)) if self.training else out


class Standardised(nn.Conv2d):
    """Computes its weights anew in every pass, as networks without norms do."""

    def forward(self, x):
        rows = self.weight.reshape(1, len(self.weight), -1)
        weight = F.batch_norm(rows, None, None, training=True).reshape_as(self.weight)
        return F.conv2d(x, weight, self.bias)


class Seam(nn.Module):
    """Reads a part of what two layers write; nobody reads the rest."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = nn.Linear(6, 8), nn.Linear(6, 8)
        self.wide, self.head = nn.Linear(8, 9), nn.Linear(9, 3)

    def forward(self, x):
        both = torch.cat([self.one(x).relu(), self.two(x).tanh()], 1)
        return self.head(self.wide(both[:, 4:12]).relu())


class Listed(nn.Module):
    """Holds its weights in a list and a mapping of parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.weights = nn.ParameterList([torch.randn(12, 6), torch.randn(10, 12)])
        self.biases = nn.ParameterDict({"first": torch.randn(12)})
        self.head = nn.Linear(10, 3)

    def forward(self, x):
        x = F.linear(x, self.weights[0], self.biases["first"]).relu()
        return self.head(F.linear(x, self.weights[1]).relu())


def layers() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 12), nn.ReLU(), nn.Linear(12, 3)
    ).eval()


def scripted() -> nn.Module:
    network = layers()
    network[2] = torch.jit.script(network[2])
    return network


def pruned() -> nn.Module:
    network = layers()
    for at in (0, 2):
        prune.l1_unstructured(network[at], "weight", 0.4)
    return network


def quantised() -> nn.Module:
    return torch.ao.quantization.quantize_dynamic(layers(), {nn.Linear}, dtype=torch.qint8)


def scaled() -> nn.Module:
    return nn.Sequential(Scaled(6, 16), nn.ReLU(), Scaled(16, 12), nn.ReLU(), Scaled(12, 3)).eval()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (scripted, r"layer '2' is a program of torch\.jit.*Pass the original module"),
        (lambda: torch.jit.script(layers()), r"the ancestor is a program of torch\.jit"),
        (pruned, r"'0\.weight' is computed from '0\.weight_orig'.*prune\.remove"),
        (quantised, r"'0' is a quantised Linear.*quantise the result"),
        (scaled, r"The obstacle is aten\.addmm\.default in 0 .*reads slices of a parameter"),
    ],
)
@pytest.mark.filterwarnings("ignore")  # torch's own, of what is to go
def test_what_cannot_be_cut_is_refused_by_name_and_with_what_helps(make, words) -> None:
    with pytest.raises((ConfigError, TaskError), match=words):
        evoframe.shrink(make(), (torch.randn(4, 6),), parameters="1.5x")


@pytest.mark.parametrize("seed", [2, 3])
def test_roundings_of_eight_bits_are_no_reason_to_refuse(seed) -> None:
    """A replacement adds up in another order, and a copy was said to compute something else."""
    torch.manual_seed(seed)
    network, inputs = Attentive().bfloat16().eval(), torch.randn(3, 5, 16).bfloat16()
    smaller = evoframe.shrink(network, (inputs,), parameters="1.1x")
    assert smaller(inputs).dtype == torch.bfloat16
    assert len(smaller.wide.weight) < 12


def test_layers_below_the_kinks_of_all_that_is_left_of_them_are_refused() -> None:
    """The strongest channel says nothing, and no training would ever wake it."""
    network = layers()
    with torch.no_grad():
        network[2].weight[0], network[2].bias[0] = -9.0, -9.0
        network[4].weight[:, 0] = 9.0
    widths = {"2": {"at_most": 1}}
    with pytest.raises(ConfigError, match="outputs are the same for all inputs"):
        evoframe.shrink(network, (torch.randn(4, 6),), layers=widths)
    smaller = evoframe.shrink(network, (torch.randn(4, 6),), layers={"2": {"at_most": 3}})
    assert smaller[2].out_features == 3


def test_a_limit_out_of_reach_tells_a_barrier_that_is_known_to_hold_little() -> None:
    """Of what reads computed weights nothing is known, so their share is a lower bound."""
    sizes = [(3, 32), (32, 32), (32, 4)]
    network = nn.Sequential(
        *(part for size in sizes for part in (Standardised(*size, 1), nn.ReLU())),
        *(nn.Conv2d(4, 4, 1), nn.ReLU(), nn.Conv2d(4, 4, 1)),
    )
    words = (
        r"The main obstacle is aten\.native_batch_norm.* in 0 .*: at least 2%.*make plain weights"
    )
    with pytest.raises(ConfigError, match=words):
        evoframe.shrink(network.eval(), (torch.randn(2, 3, 4, 4),), flops="2x")


def test_a_limit_out_of_reach_tells_what_the_network_gives_out() -> None:
    words = (
        r"at the least\. Channels of keys\.weight, values\.weight stay because the network gives"
    )
    with pytest.raises(ConfigError, match=words):  # and nothing of factors: one was given
        evoframe.shrink(Caching().eval(), (torch.randn(4, 6),), parameters="20x")


def test_layers_that_only_training_runs_keep_what_they_read_and_that_is_told() -> None:
    torch.manual_seed(0)
    smaller = evoframe.shrink(Helped().eval(), (torch.randn(4, 6),), parameters="1.2x")
    assert smaller.train()(torch.randn(4, 6))[1].shape == (4, 3)
    assert smaller.one.out_features == 16
    told = [one for one in evoframe.shrunk(smaller).remedies.values() if "only training" in one]
    assert "such as auxiliary heads" in told[0]


def test_what_nobody_reads_counts_before_a_cut() -> None:
    """Limits are factors of the network as it came, and what is told of it is what it has."""
    torch.manual_seed(0)
    network, inputs = Seam().eval(), torch.randn(4, 6)
    whole = sum(one.numel() for one in network.parameters())
    smaller = evoframe.shrink(network, (inputs,), parameters=whole - 28)
    said, left = evoframe.shrunk(smaller), sum(one.numel() for one in smaller.parameters())
    assert (said.before["parameters"], said.after["parameters"]) == (whole, left)
    assert left == whole - 28  # of four channels that nobody reads, and nothing else had to go
    assert torch.allclose(smaller(inputs), network(inputs), atol=1e-6)


def test_weights_in_lists_of_parameters_evolve() -> None:
    torch.manual_seed(0)
    smaller = evoframe.shrink(Listed().eval(), (torch.randn(4, 6),), parameters="1.5x")
    assert len(smaller.weights[0]) == len(smaller.biases["first"]) < 12
    assert smaller.weights[1].shape == (smaller.head.in_features, len(smaller.weights[0]))


def test_pooled_pixels_lie_as_they_like() -> None:
    """Where channels lie last in memory, torch names other strides for what it pooled."""
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(2, 12, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Conv2d(12, 9, 1), nn.ReLU(),
        nn.Flatten(), nn.Linear(9, 3),
    ).eval().to(memory_format=torch.channels_last)  # fmt: skip
    images = torch.randn(4, 2, 6, 6).contiguous(memory_format=torch.channels_last)
    smaller = evoframe.shrink(network, (images,), flops="1.5x")
    assert not evoframe.shrunk(smaller).barriers
    assert len(smaller[0].weight) < 12
    assert smaller[0].weight.is_contiguous(memory_format=torch.channels_last)


DATA = {"data": (torch.randn(12, 6), torch.arange(12) % 3), "loss": F.cross_entropy}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"keep": "2"}, r"keep is '2'; wanted a list of texts, as in \['2'\]"),
        ({"evolvable": "0.weight"}, "evolvable is '0.weight'; wanted a list"),
        ({"multiple": 0}, "'multiple' must be >= 1"),
        ({"multiple": 2.5}, "multiple: wanted a whole number"),
        ({"at_least": -1}, "wanted a number of channels from 1 on"),
        ({"depth": "yes"}, "depth: wanted true or false"),
        ({"steps": 1.5}, "steps is 1.5; wanted at least one cut"),
        ({"statistics": -1, **DATA}, "statistics is -1; wanted a number of batches"),
        ({"repair": 2.5, **DATA}, "repair is 2.5; wanted a number of batches"),
        ({**DATA, "data": (torch.zeros(0, 6), torch.zeros(0))}, "hold 0 examples"),
        (
            {**DATA, "loss": lambda given, _: given},
            "computed for .* only for scalar outputs",
        ),
        (
            {**DATA, "loss": lambda *_: 1.0},
            "computed for this network, its loss and its data",
        ),
    ],
)
def test_options_and_data_that_make_no_sense_are_refused_in_words(options, words) -> None:
    with pytest.raises((ConfigError, TaskError), match=words):
        evoframe.shrink(layers(), (torch.randn(4, 6),), parameters="1.5x", **options)


def test_inputs_without_examples_are_refused() -> None:
    with pytest.raises(TaskError, match="Give at least one example"):
        evoframe.shrink(layers(), (torch.randn(0, 6),), parameters="1.5x")


class Watching(nn.Module):
    """Notes the largest number that it ever saw, in evaluation too."""

    def __init__(self) -> None:
        super().__init__()
        self.body = layers()
        self.register_buffer("largest", torch.zeros(()))

    def forward(self, x):
        self.largest = torch.maximum(self.largest, x.detach().abs().max())
        return self.body(x)


def test_what_a_network_notes_in_evaluation_is_what_it_noted_before() -> None:
    """None of the inputs on which it was tried."""
    network, inputs = Watching().eval(), torch.randn(4, 6)
    network(inputs)
    smaller = evoframe.shrink(network, (inputs,), parameters="1.5x")
    assert torch.equal(smaller.largest, network.largest)
