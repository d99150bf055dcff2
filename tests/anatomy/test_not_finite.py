"""Channels live for ever where what is computed of dead ones, or of their slices, is not finite."""

# ruff: noqa: ARG005  each step is given both parameters
from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

from evoframe import anatomy
from support.exactness import assert_exact
from support.surgery import drawn, parameters, shaken, smallest

WIDTH = 8


class Between(nn.Module):
    """A step between two layers, with two parameters that have an entry for each channel."""

    def __init__(self, step) -> None:
        super().__init__()
        self.step = step
        self.p, self.q = nn.Parameter(torch.randn(WIDTH)), nn.Parameter(torch.randn(WIDTH))
        self.one, self.two, self.head = nn.Linear(5, WIDTH), nn.Linear(WIDTH, 6), nn.Linear(6, 3)

    def forward(self, x):
        return self.head(F.relu(self.two(self.step(self.one(x), self.p, self.q))))


BREAKS = {
    "logarithm": lambda x, p, q: x.abs().log(),
    "inverse": lambda x, p, q: 1 / x,
    "inverse root": lambda x, p, q: x.square().rsqrt(),
    "negative power": lambda x, p, q: x**-1,
    "log of gamma": lambda x, p, q: x.abs().lgamma(),
    "parameter by parameter": lambda x, p, q: x * (q / p),
    "by parameter": lambda x, p, q: (x - q) / p,
    "sign of a parameter": lambda x, p, q: x * (p / p.abs()),
    "plus an inverse": lambda x, p, q: x + 1 / p,
    "times a logarithm": lambda x, p, q: x * p.abs().log(),
    "entropy": lambda x, p, q: x * (p * p.abs().log()),
    "fused": lambda x, p, q: torch.addcdiv(x, q, p),
    "chosen": lambda x, p, q: torch.where(x > 0, x, 1 / p),
    "larger": lambda x, p, q: torch.maximum(x, p.reciprocal()),
    "power of a parameter": lambda x, p, q: x.abs() ** (p - 1),
    "remainder": lambda x, p, q: torch.remainder(x, p.abs()),
    "sum below": lambda x, p, q: x / (p + q),
}
HOLDS = {
    "logarithm of more": lambda x, p, q: (x.abs() + 0.5).log(),
    "logit": lambda x, p, q: torch.sigmoid(x).logit(),
    "by exponential": lambda x, p, q: (x - q) / p.exp(),
    "by exponential of channels": lambda x, p, q: x / x.exp(),
    "by one more": lambda x, p, q: x / (p.abs() + 1),
    "power": lambda x, p, q: (x.abs() + 1) ** p,
    "square": lambda x, p, q: x**2 * p,
}


def planned(step):
    """The part that can leave by rules alone; finite and exact, whatever dies."""
    torch.manual_seed(0)
    network, inputs = shaken(Between(step)), (torch.randn(4, 5).double(),)
    plan = anatomy.survey(network, inputs, ["one.weight", "two.weight"], numbers=False)
    for genotype in (drawn(plan, 1, 0.7, 1.0), drawn(plan, 2, 0.2, 1.0), smallest(plan)):
        assert plan.develop(genotype).network(*inputs).isfinite().all()
        assert_exact(network, plan, genotype, inputs)
    return 1 - parameters(plan.develop(smallest(plan)).network) / parameters(network)


@pytest.mark.parametrize("step", BREAKS.values(), ids=list(BREAKS))
def test_what_breaks_at_zero_keeps_channels_alive(step) -> None:
    """None of the channels that meet it can die, and those behind leave."""
    assert 0.3 < planned(step) < 0.6


@pytest.mark.parametrize("step", HOLDS.values(), ids=list(HOLDS))
def test_what_is_finite_at_zero_keeps_nothing(step) -> None:
    """Channels that are constant, or zero, where they are dead."""
    planned(step)
