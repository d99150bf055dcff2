"""A branch on a layer's width that runs as many operations on either side.

Right: that width stays, and everything else leaves; never another function.
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
        self.stem, self.a, self.b = nn.Linear(8, 32), nn.Linear(32, 16), nn.Linear(16, 4)

    def forward(self, x):
        x = self.b(F.relu(self.a(F.relu(self.stem(x)))))
        return x + 1 if self.a.out_features == 16 else x - 1


def network() -> nn.Module:
    return Net()


def inputs() -> tuple:
    return (torch.randn(5, 8),)
