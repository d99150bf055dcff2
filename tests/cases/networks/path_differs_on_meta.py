"""A network that takes another path on the meta device, as code with a fallback does.

Right: the path that real inputs take is the one that is surveyed; or one line that names the meta
device.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

EXPECT = "exact or refused"
NAMES = ("meta",)
SHARE = 0.2


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.head = nn.Linear(6, 16), nn.Linear(16, 24), nn.Linear(24, 2)

    def forward(self, x):
        x = self.a(x)
        x = F.relu(x) if x.is_meta else F.softmax(x, 1)
        return self.head(F.relu(self.b(x)))


def network() -> nn.Module:
    return Net()


def inputs() -> tuple:
    return (torch.randn(5, 6),)
