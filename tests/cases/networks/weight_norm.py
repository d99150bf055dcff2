"""A classifier with one layer under weight_norm.

Right: the layers without it shrink; the one under it keeps its rows, as a row of zeros has no
direction (0/0).
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.utils.parametrizations import weight_norm

EXPECT = "exact"
SHARE = 0.4


def network() -> nn.Module:
    return nn.Sequential(
        nn.Linear(6, 24),
        nn.ReLU(),
        nn.Linear(24, 16),
        nn.ReLU(),
        weight_norm(nn.Linear(16, 10)),
        nn.ReLU(),
        nn.Linear(10, 2),
    )


def inputs() -> tuple:
    return (torch.randn(5, 6),)
