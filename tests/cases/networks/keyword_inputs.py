"""A network that takes its inputs by keyword, with example inputs in a dict.

Right: example inputs may be a mapping of keywords; the network shrinks.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

EXPECT = "exact"
SHARE = 0.5


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.head = nn.Linear(6, 24), nn.Linear(4, 24), nn.Linear(24, 2)

    def forward(self, *, numbers, others):
        return self.head(F.relu(self.a(numbers)) + F.relu(self.b(others)))


def network() -> nn.Module:
    return Net()


def inputs() -> dict:
    return {"numbers": torch.randn(5, 6), "others": torch.randn(5, 4)}
