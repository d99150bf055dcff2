"""A network that returns, beside its scores, the mean square of a layer's weights as a penalty.

Right: the mean goes on being taken over as many weights as the ancestor had, or that layer's
channels stay.
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
        self.a, self.b, self.head = nn.Linear(8, 16), nn.Linear(16, 32), nn.Linear(32, 4)

    def forward(self, x):
        penalty = self.a.weight.square().mean()
        return self.head(F.relu(self.b(F.relu(self.a(x))))), penalty


def network() -> nn.Module:
    return Net()


def inputs() -> tuple:
    return (torch.randn(5, 8),)
