"""A network of lazy layers that have not seen an input yet.

Right: one line that says so, before anything is written.
"""

from __future__ import annotations

import torch
from torch import nn

EXPECT = "refused"
NAMES = ("lazy", "uninitialized", "uninitialised")


def network() -> nn.Module:
    return nn.Sequential(
        nn.LazyLinear(24), nn.ReLU(), nn.LazyLinear(24), nn.ReLU(), nn.LazyLinear(2)
    )


def inputs() -> tuple:
    return (torch.randn(5, 6),)
