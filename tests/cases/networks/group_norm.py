"""Convolutions with group norm of four groups.

Right: whole groups can leave, and the number of groups follows.
"""

from __future__ import annotations

import torch
from torch import nn

EXPECT = "exact"
SHARE = 0.6


def network() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 16, 3),
        nn.GroupNorm(4, 16),
        nn.ReLU(),
        nn.Conv2d(16, 16, 3),
        nn.GroupNorm(4, 16),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(16, 4),
    )


def inputs() -> tuple:
    return (torch.randn(2, 3, 8, 8),)
