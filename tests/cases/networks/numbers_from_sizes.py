"""Numbers that are made of a layer's width: a factor by keyword, a bound, a filled tensor.

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
        x = F.relu(self.stem(x))
        a, b, c = (tower(x) for tower in self.towers)
        a = torch.add(a, a, alpha=a.shape[1])
        b = b.clamp(max=b.shape[1] / 32)
        c = c / torch.full((), float(c.shape[1]))
        return self.head(a + b + c)


def network() -> nn.Module:
    return Net()


def inputs() -> tuple:
    return (torch.randn(5, 8),)
