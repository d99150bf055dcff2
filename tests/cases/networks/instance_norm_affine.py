"""Convolutions with instance norm that has weights, as in style transfer.

Right: its weights shrink with their channels.
"""

from __future__ import annotations

import torch
from torch import nn

EXPECT = "exact"
SHARE = 0.5


def network() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 16, 3),
        nn.InstanceNorm2d(16, affine=True),
        nn.ReLU(),
        nn.Conv2d(16, 16, 3),
        nn.InstanceNorm2d(16, affine=True),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(16, 4),
    )


def inputs() -> tuple:
    return (torch.randn(2, 3, 8, 8),)
