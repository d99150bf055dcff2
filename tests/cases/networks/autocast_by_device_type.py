"""A network that turns autocast off for the device of its input, as rotary embeddings do.

Right: the device is one that exists, and the hidden channels leave.
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
        self.a, self.b = nn.Linear(8, 32), nn.Linear(32, 4)

    def forward(self, x):
        with torch.autocast(device_type=x.device.type, enabled=False):
            return self.b(F.relu(self.a(x)))


def network() -> nn.Module:
    return Net()


def inputs() -> tuple:
    return (torch.randn(5, 8),)
