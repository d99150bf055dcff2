"""A network that takes another path on other devices than the CPU.

Right: the path that real inputs take is the one that is surveyed.
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
        self.a, self.b, self.c = nn.Linear(8, 32), nn.Linear(32, 4), nn.Linear(32, 4)

    def forward(self, x):
        hidden = F.relu(self.a(x))
        return self.b(hidden) if x.device.type == "cpu" else self.c(hidden)


def network() -> nn.Module:
    return Net()


def inputs() -> tuple:
    return (torch.randn(5, 8),)
