"""A network that was built on the meta device and never given weights.

Right: one line that says so, before anything is written.
"""

from __future__ import annotations

import torch
from torch import nn

EXPECT = "refused"
NAMES = ("meta",)


def network() -> nn.Module:
    with torch.device("meta"):
        return nn.Sequential(
            nn.Linear(6, 24), nn.ReLU(), nn.Linear(24, 24), nn.ReLU(), nn.Linear(24, 2)
        )


def inputs() -> tuple:
    return (torch.randn(5, 6),)
