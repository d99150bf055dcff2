"""A network that chooses its activation by the width of a layer.

Right: the channels that the choice hangs on stay, all others leave; or the choice is refused.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

EXPECT = "exact or refused"
SHARE = 0.2


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.head = nn.Linear(6, 16), nn.Linear(16, 24), nn.Linear(24, 2)

    def forward(self, x):
        x = self.a(x)
        x = F.relu(x) if x.shape[1] >= 16 else torch.tanh(x)
        return self.head(F.relu(self.b(x)))


def network() -> nn.Module:
    return Net()


def inputs() -> tuple:
    return (torch.randn(5, 6),)
