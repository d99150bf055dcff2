"""What is read of all slices together: rules alone keep what would be another number of fewer."""

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
    """A step between two layers, with a parameter that has an entry for each channel."""

    def __init__(self, step) -> None:
        super().__init__()
        self.step, self.scale = step, nn.Parameter(torch.randn(WIDTH))
        self.one, self.two, self.head = nn.Linear(5, WIDTH), nn.Linear(WIDTH, 6), nn.Linear(6, 3)

    def forward(self, x):
        return self.head(F.relu(self.two(self.step(self.one(x), self.scale))))


def ones(x, *sizes):
    return torch.ones(*sizes, dtype=x.dtype, device=x.device)


KEPT = {
    "a number of a width": lambda x, _: x * torch.tensor(float(x.shape[1])),
    "a number on the same device": lambda x, _: x * torch.tensor(1.0 * x.shape[1], device=x.device),
    "a number of the same type": lambda x, _: x * x.new_tensor(x.shape[1]),
    "a scalar tensor": lambda x, _: x * torch.scalar_tensor(x.shape[1], dtype=x.dtype),
    "ones that are added up": lambda x, _: x * ones(x, x.shape[1]).sum(),
    "a product of ones": lambda x, _: x * (ones(x, 1, x.shape[1]) @ ones(x, x.shape[1], 1)),
    "one of as many weights": lambda x, _: x * ones(x, x.shape[1]).softmax(0)[0],
    "halves that differ": lambda x, _: (
        x * torch.cat([ones(x, x.shape[1] // 2) * 2, ones(x, x.shape[1] // 2) * 3])
    ),
    "centred": lambda x, scale: x * (scale - scale.mean()),
    "the first": lambda x, scale: x * scale * scale[0],
    "the largest": lambda x, scale: x * scale * (scale - 5).amax(),
    "a softmax by hand": lambda x, scale: x * scale.exp() / scale.exp().sum(),
    "less its logsumexp": lambda x, scale: x * (scale - scale.logsumexp(0)),
}
FREE = {
    "added up": lambda x, scale: x * scale * scale.sum(),
    "normed": lambda x, scale: x * scale / scale.norm(),
    "zeros that are added up": lambda x, _: x * (1 + torch.zeros_like(x[0]).sum()),
    "a constant": lambda x, _: x * torch.tensor(2.0, device=x.device),
}


def planned(step):
    """A network, its inputs, its plan by rules alone, and the part that can leave."""
    torch.manual_seed(0)
    network, inputs = shaken(Between(step)), (torch.randn(4, 5).double(),)
    plan = anatomy.survey(network, inputs, ["one.weight", "two.weight"], numbers=False)
    for genotype in (drawn(plan, 1, 0.7, 1.0), drawn(plan, 2, 0.3, 0.8), smallest(plan)):
        assert_exact(network, plan, genotype, inputs)
    return 1 - parameters(plan.develop(smallest(plan)).network) / parameters(network)


@pytest.mark.parametrize("step", KEPT.values(), ids=list(KEPT))
def test_what_would_be_another_number_keeps_channels(step) -> None:
    """The channels that meet it stay, and only those behind leave."""
    assert planned(step) < 0.6


@pytest.mark.parametrize("step", FREE.values(), ids=list(FREE))
def test_what_is_the_same_number_lets_channels_leave(step) -> None:
    """A sum over slices that are zero, and a number that hangs on no width."""
    assert planned(step) > 0.8
