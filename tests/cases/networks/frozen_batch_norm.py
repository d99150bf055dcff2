"""Convolutions with a frozen batch norm of four buffers, as in torchvision's detectors.

Right: the buffers shrink with their channels.
"""

from __future__ import annotations

import torch
from torch import nn

EXPECT = "exact"
SHARE = 0.5


class Frozen(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.register_buffer("weight", torch.ones(width))
        self.register_buffer("bias", torch.zeros(width))
        self.register_buffer("running_mean", torch.zeros(width))
        self.register_buffer("running_var", torch.ones(width))

    def forward(self, x):
        scale = (
            self.weight.reshape(1, -1, 1, 1)
            * (self.running_var.reshape(1, -1, 1, 1) + 1e-5).rsqrt()
        )
        return x * scale + (
            self.bias.reshape(1, -1, 1, 1) - self.running_mean.reshape(1, -1, 1, 1) * scale
        )


def network() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 16, 3, bias=False),
        Frozen(16),
        nn.ReLU(),
        nn.Conv2d(16, 16, 3, bias=False),
        Frozen(16),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(16, 4),
    )


def inputs() -> tuple:
    return (torch.randn(2, 3, 8, 8),)
