"""Code that asks for values: one path is followed exactly, and it is told that there are others."""

from __future__ import annotations

import attrs
import pytest
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

from evoframe import anatomy
from evoframe.anatomy.plan.growing import body_of
from evoframe.anatomy.trace import answers_of
from evoframe.anatomy.trace.forward import plain_operations
from evoframe.anatomy.trace.values import answered
from evoframe.kernel.modules.arguments import Arguments
from networks.values import WAYS, Reader
from support.surgery import shaken


@pytest.mark.parametrize("way", WAYS)
def test_a_pass_without_contents_goes_the_way_of_a_real_one(way: str) -> None:
    """Shapes agree, and every question is asked again, each once."""
    network, words = shaken(Reader(way)), torch.randint(0, 11, (3, 6))
    answers = answers_of(network, Arguments.of((words,)))

    with plain_operations(), answered(answers):
        found = body_of(network)(words.to("meta"))

    assert answers
    assert found.is_meta
    assert found.shape == network(words).shape


class Steps(nn.Module):
    """Goes through as many layers as the input says."""

    def __init__(self) -> None:
        super().__init__()
        self.layers, self.head = nn.ModuleList(nn.Linear(4, 4) for _ in range(3)), nn.Linear(4, 2)

    def forward(self, x, count):
        for layer in self.layers[: int(count)]:
            x = F.relu(layer(x))
        return self.head(x)


def names(network: nn.Module) -> list[str]:
    return [f"{n}.weight" for n, m in network.named_modules() if isinstance(m, nn.Linear)][:-1]


def test_what_is_not_met_on_the_path_is_left_alone() -> None:
    """A layer that other inputs go through finds what it was made for, whatever has left."""
    torch.manual_seed(0)
    network = shaken(Steps())
    plan = anatomy.survey(network, (torch.randn(3, 4).double(), torch.tensor(2)), names(network))
    nothing = {name: torch.zeros_like(mask) for name, mask in plan.genotype().masks.items()}

    smaller = plan.develop(attrs.evolve(plan.genotype(), masks=nothing)).network

    for count in range(4):
        assert smaller(torch.randn(3, 4).double(), torch.tensor(count)).shape == (3, 2)
    assert any(one.operation == "layers.2.weight" for one in plan.barriers)


def test_who_asks_is_named_by_the_line() -> None:
    """A path that hangs on values is told; what channels answer stays, with the reason."""
    network = shaken(Reader("whether a mask is full"))
    plan = anatomy.survey(network, (torch.randint(0, 11, (3, 6)),), names(network))

    assert [line.partition(":")[0] for line in plan.proved.plan.trace.asks] == ["values.py"]


class Counting(nn.Module):
    """Reads how many entries are positive, of its input or of its hidden channels."""

    def __init__(self, *, hidden: bool) -> None:
        super().__init__()
        self.hidden, self.one = hidden, nn.Linear(4, 8)
        self.two, self.head = nn.Linear(8, 8), nn.Linear(8, 2)

    def forward(self, x):
        y = F.relu(self.one(x))
        counted = y.square().sum(1) if self.hidden else x.sum(1)
        return self.head(F.relu(self.two(y))) * len(counted[counted > 0])


@pytest.mark.parametrize("hidden", [False, True])
def test_channels_that_answer_stay(hidden) -> None:
    """Whatever became of them: here they were summed up before anybody asked."""
    network = shaken(Counting(hidden=hidden))
    plan = anatomy.survey(network, (torch.randn(5, 4).double(),), names(network))

    channels = plan.wiring.targets["one.weight"].reshape(-1)
    assert bool(plan.bundles.kept[channels].all()) == hidden
    assert any("are read at test_values.py" in one.reason for one in plan.barriers) == hidden
    assert not bool(plan.bundles.kept[plan.wiring.targets["two.weight"].reshape(-1)].any())


class Normed(nn.Module):
    """A norm gives its means and deviations as well, which nobody reads."""

    def __init__(self, norm: nn.Module, *, asks: bool) -> None:
        super().__init__()
        self.asks, self.one, self.norm = asks, nn.Linear(4, 8), norm
        self.head = nn.Linear(8, 2)

    def forward(self, x):
        if self.asks and bool((x > 9).all()):
            x = -x
        return self.head(F.relu(self.norm(self.one(x))))


@pytest.mark.parametrize("norm", [nn.LayerNorm(8), nn.GroupNorm(2, 8), nn.BatchNorm1d(8)])
def test_that_code_asks_for_values_keeps_nothing_by_itself(norm) -> None:
    """What comes beside an output is read by those who read it, and not by the one who watches."""
    networks = (shaken(Normed(norm, asks=asks)) for asks in (False, True))
    inputs = (torch.randn(3, 4).double(),)

    deaf, asking = (anatomy.survey(one, inputs, names(one), approximate=True) for one in networks)

    assert torch.equal(asking.bundles.kept, deaf.bundles.kept)
    assert not bool(asking.bundles.kept[asking.wiring.targets["one.weight"]].any())
