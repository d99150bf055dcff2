"""A layer with one bias for all of its outputs.

Right: the bias stays whole, since it belongs to no channel; channels leave with care, or are kept.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

EXPECT = "exact"
SHARE = 0.0
EVOLVABLE = ("weight", "head.weight")


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.randn(32, 8)), nn.Parameter(torch.randn(()))
        self.head = nn.Linear(32, 4)

    def forward(self, x):
        return self.head(F.relu(F.linear(x, self.weight, self.bias)))


def network() -> nn.Module:
    return Net()


def inputs() -> tuple:
    return (torch.randn(5, 8),)
