"""A classifier with torch's own multi-head attention.

Right: whole heads can leave (by putting another module in its place, if need be); what is around it
can in any case.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

EXPECT = "exact"
SHARE = 0.4


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.head = nn.Linear(8, 16), nn.Linear(16, 16), nn.Linear(16, 2)
        self.attention = nn.MultiheadAttention(16, 4, batch_first=True)

    def forward(self, x):
        x = F.relu(self.a(x))
        x = x + self.attention(x, x, x, need_weights=False)[0]
        return self.head(F.relu(self.b(x)).mean(1))


def network() -> nn.Module:
    return Net()


def inputs() -> tuple:
    return (torch.randn(2, 5, 8),)
