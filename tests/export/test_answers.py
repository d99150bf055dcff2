"""Answers tell networks apart that names and shapes do not."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from evoframe.errors import ExportError
from evoframe.export.answers import (
    answers_of,
    answers_of_architecture,
    apart_of,
    require_same_answers,
    tolerance_of,
)
from support import nets

INPUTS = (torch.zeros(1, 6),)


class Heads(nn.Module):
    """Attention, whose shapes say nothing of the number of heads."""

    def __init__(self, heads: int) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(8, heads, batch_first=True)

    def forward(self, values: Tensor) -> Tensor:
        return self.attention(values, values, values)[0]


def scaled(factor: float) -> nn.Module:
    class Scaled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(6, 6)

        def forward(self, values: Tensor) -> Tensor:
            return values + factor * self.layer(values).relu()

    return Scaled()


DIFFERENT = {
    "activation": (nets.factory, nets.other_activation, INPUTS),
    "heads": (lambda: Heads(2), lambda: Heads(4), (torch.zeros(1, 5, 8),)),
    "a number in the code": (lambda: scaled(1.0), lambda: scaled(0.5), INPUTS),
    "stride": (
        lambda: nn.Conv1d(2, 3, 3, stride=1),
        lambda: nn.Conv1d(2, 3, 3, stride=2),
        (torch.zeros(1, 2, 9),),
    ),
    "dilation": (
        lambda: nn.Conv1d(2, 3, 3, padding=1),
        lambda: nn.Conv1d(2, 3, 3, padding=2, dilation=2),
        (torch.zeros(1, 2, 9),),
    ),
}


@pytest.mark.parametrize("name", DIFFERENT)
def test_networks_of_the_same_shapes_are_told_apart(name: str) -> None:
    make, other, inputs = DIFFERENT[name]
    network, rival = make(), other()
    rival.load_state_dict(network.state_dict())
    answers = answers_of(network.eval(), inputs)
    require_same_answers(answers, network, Path("small"))
    with pytest.raises(ExportError, match="answers otherwise"):
        require_same_answers(answers, rival.eval(), Path("small"))


@pytest.mark.parametrize("name", DIFFERENT)
def test_architectures_are_told_apart_whatever_their_weights(name: str) -> None:
    make, other, inputs = DIFFERENT[name]
    first, again, rival = (
        answers_of_architecture(one, inputs) for one in (make(), make(), other())
    )
    assert first is not None
    assert again is not None
    assert rival is not None
    assert apart_of(first["outputs"], again["outputs"]) == 0
    assert apart_of(first["outputs"], rival["outputs"]) > tolerance_of(make())


def test_nothing_is_changed_by_asking() -> None:
    network = nets.factory()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    state = torch.get_rng_state()
    answers_of_architecture(network, INPUTS)
    answers_of(network, INPUTS)
    assert torch.equal(state, torch.get_rng_state())
    assert network.training
    assert all(torch.equal(value, network.state_dict()[name]) for name, value in before.items())


class Dicing(nn.Module):
    def forward(self, values: Tensor) -> Tensor:
        return values + torch.rand(values.shape)


class Counting(nn.Module):
    def forward(self, values: Tensor) -> Tensor:
        self.count = getattr(self, "count", 0) + 1
        return values + self.count


@pytest.mark.parametrize(
    ("network", "inputs"),
    [
        (Counting(), INPUTS),
        (Dicing(), INPUTS),
        (nn.Linear(3, 3), INPUTS),
        (nets.factory(), {"nobody": INPUTS[0]}),
        (nets.factory(), (None,)),
    ],
)
def test_what_cannot_be_asked_has_no_answers(network: nn.Module, inputs: object) -> None:
    assert answers_of(network.eval(), inputs) is None


def test_half_precision_may_be_rounded() -> None:
    network = nets.factory().to(torch.bfloat16).eval()
    assert tolerance_of(network) > tolerance_of(nets.factory())
    answers = answers_of(network, (torch.zeros(1, 6, dtype=torch.bfloat16),))
    require_same_answers(answers, network, Path("small"))


def test_no_number_is_an_answer() -> None:
    network = nn.Linear(6, 2).eval()
    with torch.no_grad():
        network.weight.fill_(float("nan"))
    answers = answers_of(network, INPUTS)
    require_same_answers(answers, network, Path("small"))
    with torch.no_grad():
        network.weight.fill_(1.0)
    with pytest.raises(ExportError, match="answers otherwise"):
        require_same_answers(answers, network, Path("small"))
