"""A weight that is stored transposed, in a network that views it back.

Right: a smaller weight lies in memory as the whole one does.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

EXPECT = "exact"
SHARE = 0.5
EVOLVABLE = ("weight", "b.weight", "c.weight")


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(8, 32).t())
        self.b, self.c, self.head = nn.Linear(32, 16), nn.Linear(8, 16), nn.Linear(16, 4)

    def forward(self, x):
        energy = self.weight.t().view(-1).square().sum()
        return self.head(
            F.relu(self.b(F.relu(F.linear(x, self.weight)))) + F.relu(self.c(x))
        ), energy


def network() -> nn.Module:
    return Net()


def inputs() -> tuple:
    return (torch.randn(5, 8),)
