"""A network that keeps a plain dictionary in its state dict by get_extra_state.

Right: what is no tensor is left alone, and the network shrinks.
"""

from __future__ import annotations

import torch
from torch import nn

EXPECT = "exact"
SHARE = 0.6


class Net(nn.Sequential):
    def get_extra_state(self):
        return {"epoch": 3}

    def set_extra_state(self, state):
        self.epoch = state["epoch"]


def network() -> nn.Module:
    return Net(nn.Linear(6, 24), nn.ReLU(), nn.Linear(24, 24), nn.ReLU(), nn.Linear(24, 2))


def inputs() -> tuple:
    return (torch.randn(5, 6),)
