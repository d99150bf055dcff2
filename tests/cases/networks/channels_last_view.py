"""A network in channels_last that views its features as rows.

Right: the survey sees strides as they are, so the view is one there too; channels leave.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

EXPECT = "exact"
SHARE = 0.4


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.head = nn.Conv2d(3, 16, 1), nn.Linear(16, 16), nn.Linear(16, 4)

    def forward(self, x):
        x = F.relu(self.a(x)).permute(0, 2, 3, 1)
        rows = x.view(-1, self.a.out_channels)
        return self.head(F.relu(self.b(rows)))


def network() -> nn.Module:
    return Net().to(memory_format=torch.channels_last)


def inputs() -> tuple:
    return (torch.randn(2, 3, 4, 4).to(memory_format=torch.channels_last),)
