"""A detector whose head runs over two levels of a pyramid with the same layers.

Right: channels of a layer that is used twice leave where they are dead in both uses.
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
        self.stem, self.lower = nn.Conv2d(3, 16, 3, 2, 1), nn.Conv2d(16, 16, 3, 2, 1)
        self.hidden, self.scores = nn.Conv2d(16, 32, 3, padding=1), nn.Conv2d(32, 4, 1)

    def forward(self, x):
        fine = F.relu(self.stem(x))
        coarse = F.relu(self.lower(fine))
        return [self.scores(F.relu(self.hidden(level))) for level in (fine, coarse)]


def network() -> nn.Module:
    return Net()


def inputs() -> tuple:
    return (torch.randn(2, 3, 8, 8),)
