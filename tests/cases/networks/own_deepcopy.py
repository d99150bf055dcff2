"""A network with a __deepcopy__ of its own that builds itself anew.

Right: offspring are what their masks say, or one line that names `__deepcopy__`.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

EXPECT = "exact or refused"
NAMES = ("__deepcopy__", "copies itself")


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.head = nn.Linear(6, 24), nn.Linear(24, 24), nn.Linear(24, 2)

    def forward(self, x):
        return self.head(F.relu(self.b(F.relu(self.a(x)))))

    def __deepcopy__(self, memo):
        twin = type(self)()
        twin.load_state_dict(self.state_dict())
        return twin


def network() -> nn.Module:
    return Net()


def inputs() -> tuple:
    return (torch.randn(5, 6),)
