"""Keyword inputs: one is None, one a list of tensors, one a mapping; outputs are nested.

Right: example inputs hold what a call holds; the network shrinks.
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
        self.a, self.b, self.c = nn.Linear(6, 24), nn.Linear(4, 24), nn.Linear(24, 24)
        self.head, self.other = nn.Linear(24, 2), nn.Linear(24, 3)

    def forward(self, numbers, mask=None, *, several, more):
        x = F.relu(self.a(numbers)) + sum(F.relu(self.b(one)) for one in several[:1])
        x = F.relu(self.c(x * more["weight"]))
        x = x if mask is None else x * mask
        return self.head(x), {"nested": (self.other(x), None)}


def network() -> nn.Module:
    return Net()


def inputs() -> dict:
    return {
        "numbers": torch.randn(5, 6),
        "mask": None,
        "several": [torch.randn(5, 4), torch.randn(5, 4)],
        "more": {"weight": torch.rand(5, 1)},
    }
