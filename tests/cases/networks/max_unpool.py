"""Max pooling that is undone by its indices.

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
        x = F.max_unpool2d(*F.max_pool2d(F.relu(x), 2, return_indices=True), 2)
        return self.head(F.relu(self.b(x)))


def network() -> nn.Module:
    return Net()


def inputs() -> tuple:
    return (torch.randn(2, 3, 8, 8),)
