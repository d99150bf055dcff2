"""Features that are sampled at other places.

Right: channels go through one by one, so they leave.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

EXPECT = "exact"
SHARE = 0.9


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.head = (
            nn.Conv2d(3, 16, 3, padding=1),
            nn.Conv2d(16, 16, 3, padding=1),
            nn.Conv2d(16, 4, 1),
        )

    def forward(self, x):
        x = self.a(x)
        grid = torch.linspace(-1, 1, 8)
        grid = torch.stack(torch.meshgrid(grid, -grid, indexing="ij"), -1).expand(
            len(x), -1, -1, -1
        )
        x = F.grid_sample(F.relu(x), grid, align_corners=False)
        return self.head(F.relu(self.b(x)))


def network() -> nn.Module:
    return Net()


def inputs() -> tuple:
    return (torch.randn(2, 3, 8, 8),)
