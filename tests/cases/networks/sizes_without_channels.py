"""A layer's width as a length: positions returned, rows of the input, the kernel of a pool.

Right: those widths stay, and everything else leaves; never another function.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

EXPECT = "exact"
SHARE = 0.3


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem, self.head = nn.Linear(8, 32), nn.Linear(8, 4)
        self.towers = nn.ModuleList(nn.Linear(32, 8) for _ in range(3))

    def forward(self, x):
        hidden = F.relu(self.stem(x))
        a, b, c = (F.relu(tower(hidden)) for tower in self.towers)
        scores = self.head(a + b + c) + x[: b.shape[1]].mean()
        return scores + F.avg_pool1d(x, c.shape[1]).amax(), torch.arange(a.shape[1])


def network() -> nn.Module:
    return Net()


def inputs() -> tuple:
    return (torch.randn(12, 8),)
