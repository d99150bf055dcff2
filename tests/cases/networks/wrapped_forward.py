"""A classifier whose forward pass is a wrapped copy of itself, as profilers and autocast make it.

Right: offspring compute with their own weights and shrink, or one line that names `forward`.
"""

from __future__ import annotations

import functools

import torch
from torch import nn

EXPECT = "exact or refused"
NAMES = ("forward",)


def network() -> nn.Module:
    net = nn.Sequential(nn.Linear(6, 24), nn.ReLU(), nn.Linear(24, 24), nn.ReLU(), nn.Linear(24, 2))
    before = net.forward

    @functools.wraps(before)
    def forward(*args):
        with torch.autocast("cpu", enabled=False):
            return before(*args)

    net.forward = forward
    return net


def inputs() -> tuple:
    return (torch.randn(5, 6),)
