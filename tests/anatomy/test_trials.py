"""What a proof by numbers is paid for, and what it is sure to have tried."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  the usual name

from evoframe.anatomy import survey
from evoframe.anatomy.proof.numbers import Numbers
from evoframe.anatomy.proof.stillness import NEAR, still
from evoframe.anatomy.proof.trials import LEARNING

MOST = 40
"""How many forward passes a proof may take; a backward pass counts as two."""


class Counting(nn.Module):
    """Counts what is run on real tensors, and how precisely."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            *(nn.Conv2d(3, width, 3), nn.BatchNorm2d(width), nn.ReLU(), nn.MaxPool2d(2)),
            *(nn.Conv2d(width, width, 3), nn.BatchNorm2d(width), nn.ReLU6(), nn.Flatten()),
            *(nn.Linear(width * 36, width), nn.ReLU(), nn.Linear(width, 3)),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return three numbers."""
        out: Tensor = self.body(x)
        if not x.is_meta:
            PAID.append((1, x.dtype))
            if out.requires_grad:
                out.register_hook(lambda _: PAID.append((2, x.dtype)))
        return out


PAID: list[tuple[int, torch.dtype]] = []


@pytest.fixture
def tried(monkeypatch):
    """Every trial that is made, with its modes."""
    found, check = [], Numbers.check

    def noted(self, trial, modes):
        found.append((trial.gone, modes))
        return check(self, trial, modes)

    monkeypatch.setattr(Numbers, "check", noted)
    return found


def surveyed(network: nn.Module):
    weights = [f"body.{at}.weight" for at in (0, 4, 8)]
    return survey(network, (torch.randn(1, 3, 18, 18),), weights)


@pytest.mark.parametrize("width", [4, 16])
def test_a_proof_costs_no_more_than_it_may(width) -> None:
    """In single precision: near a kink, roundings turn no gradient on or off."""
    PAID.clear()
    anatomy = surveyed(Counting(width))
    assert not anatomy.untried
    assert sum(paid for paid, _ in PAID) <= MOST
    assert {kind for _, kind in PAID} == {torch.float32}


def test_all_that_leaves_is_tried_in_training_with_gradients(tried) -> None:
    """And in evaluation."""
    anatomy = surveyed(Counting(16))
    for mode in (LEARNING, LEARNING._replace(training=False, backward=False)):
        gone = torch.stack([one for one, modes in tried if mode in modes]).any(0)
        assert bool((gone | anatomy.bundles.kept).all())


def test_what_halves_could_not_take_is_learned_by_the_set_that_could(tried, monkeypatch) -> None:
    """Where nothing of the halves can be built, gradients are tried where few channels leave."""
    build = Numbers.trial

    def only_few(self, proved, staying):
        trial = build(self, proved, staying)
        many = int(trial.gone.sum()) > len(trial.gone) // 4
        return build(self, proved, torch.ones_like(staying)) if many else trial

    monkeypatch.setattr(Numbers, "trial", only_few)
    surveyed(Counting(16))
    assert [LEARNING in modes for _, modes in tried] == [False, False, False, True]


ACTIVATIONS = {
    F.relu: [0.0],
    F.relu6: [0.0, 6.0],
    F.leaky_relu: [0.0],
    F.hardtanh: [-1.0, 1.0],
    F.hardswish: [-3.0, 3.0],
    F.hardsigmoid: [-3.0, 3.0],
}


def slopes(function, x: Tensor) -> Tensor:
    x = x.clone().requires_grad_()
    function(x).sum().backward()
    assert x.grad is not None
    return x.grad


@pytest.mark.parametrize("function", ACTIVATIONS)
def test_slopes_fade_towards_kinks_and_are_what_they_are_elsewhere(function) -> None:
    """What a rounding moves across a kink has no gradient there, from either side."""
    kinks = torch.tensor(ACTIVATIONS[function])
    x = torch.linspace(-7, 7, 1401)
    far = ((x[:, None] - kinks).abs() > 1.01 * NEAR).all(1)
    with still():
        assert slopes(function, kinks + 1e-6).abs().max() < 1e-4
        assert slopes(function, kinks - 1e-6).abs().max() < 1e-4
        faded = slopes(function, x)
    assert torch.equal(faded[far], slopes(function, x)[far])
