"""A network that keeps a running mean of its features in training, and reads it nowhere.

Right: the statistic shrinks with its channels, or they stay; offspring can be trained.
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
        self.a, self.b, self.head = nn.Linear(6, 24), nn.Linear(24, 24), nn.Linear(24, 2)
        self.register_buffer("centre", torch.zeros(24))

    def forward(self, x):
        x = F.relu(self.a(x))
        if self.training:
            self.centre.mul_(0.9).add_(0.1 * x.detach().mean(0))
        return self.head(F.relu(self.b(x)))


def network() -> nn.Module:
    return Net()


def inputs() -> tuple:
    return (torch.randn(5, 6),)
