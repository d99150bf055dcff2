"""A layer of a graph network: messages added up by index_add.

Right: rows are moved, channels are not: they leave.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

EXPECT = "exact"
SHARE = 0.9


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.head = nn.Linear(8, 32), nn.Linear(32, 16), nn.Linear(16, 4)

    def forward(self, nodes, sources, targets):
        x = F.relu(self.a(nodes))
        x = x.new_zeros(x.shape).index_add(0, targets, x[sources])
        return self.head(F.relu(self.b(x)))


def network() -> nn.Module:
    return Net()


def inputs() -> tuple:
    return torch.randn(5, 8), torch.tensor([0, 1, 2, 3, 4, 0]), torch.tensor([1, 2, 3, 4, 0, 2])
