"""A network in which one layer's forward is a closure over the original layer.

Right: that layer's copies use their own weights, or one line that names the layer.
"""

from __future__ import annotations

import torch
from torch import nn

EXPECT = "exact or refused"
NAMES = ("2", "forward")


def network() -> nn.Module:
    net = nn.Sequential(nn.Linear(6, 24), nn.ReLU(), nn.Linear(24, 24), nn.ReLU(), nn.Linear(24, 2))
    layer, plain = net[2], net[2].forward
    layer.forward = lambda value: plain(value)
    return net


def inputs() -> tuple:
    return (torch.randn(5, 6),)
