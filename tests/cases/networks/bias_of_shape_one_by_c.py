"""A linear layer whose bias is a row, (1, channels).

Right: the row shrinks along its second axis.
"""

from __future__ import annotations

import torch
from torch import nn

EXPECT = "exact"
SHARE = 0.5


def network() -> nn.Module:
    net = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 4))
    net[0].bias = nn.Parameter(torch.randn(1, 32))
    return net


def inputs() -> tuple:
    return (torch.randn(5, 8),)
