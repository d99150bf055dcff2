"""A network that takes its targets and returns its loss.

Right: the hidden channels leave; the outputs stay, all of them.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

EXPECT = "exact"
SHARE = 0.8


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Linear(8, 32), nn.Linear(32, 6)

    def forward(self, x, targets):
        x = self.b(F.relu(self.a(x)))
        return F.cross_entropy(x, targets)


def network() -> nn.Module:
    return Net()


def inputs() -> tuple:
    return torch.randn(5, 8), torch.arange(5)
