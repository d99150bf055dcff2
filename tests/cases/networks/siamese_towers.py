"""Two inputs through one tower, and their distance.

Right: channels of the tower leave where they are dead for both inputs.
"""

from __future__ import annotations

import torch
from torch import nn

EXPECT = "exact"
SHARE = 0.5


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.tower = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 16), nn.ReLU())
        self.head = nn.Linear(16, 1)

    def forward(self, one, other):
        return self.head((self.tower(one) - self.tower(other)).abs())


def network() -> nn.Module:
    return Net()


def inputs() -> tuple:
    return torch.randn(5, 8), torch.randn(5, 8)
