"""A classifier with an auxiliary head that only training runs (GoogLeNet, deep supervision).

Right: channels that training reads are cut there too, or stay; offspring can be trained.
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
        self.a, self.b = nn.Linear(6, 24), nn.Linear(24, 24)
        self.auxiliary, self.head = nn.Linear(24, 2), nn.Linear(24, 2)

    def forward(self, x):
        early = F.relu(self.a(x))
        late = self.head(F.relu(self.b(early)))
        return (late, self.auxiliary(early)) if self.training else late


def network() -> nn.Module:
    return Net()


def inputs() -> tuple:
    return (torch.randn(5, 6),)
