"""A network whose state_dict has a prefix before every name.

Right: parameters are taken by their own names; or one line that names `state_dict`.
"""

from __future__ import annotations

import torch
from torch import nn

EXPECT = "exact or refused"
NAMES = ("state_dict", "state dict")


class Net(nn.Sequential):
    def state_dict(self, *args, **kwargs):
        return {
            f"model.{name}": value for name, value in super().state_dict(*args, **kwargs).items()
        }

    def load_state_dict(self, state, **kwargs):
        return super().load_state_dict(
            {name.removeprefix("model."): value for name, value in state.items()}, **kwargs
        )


def network() -> nn.Module:
    return Net(nn.Linear(6, 24), nn.ReLU(), nn.Linear(24, 24), nn.ReLU(), nn.Linear(24, 2))


def inputs() -> tuple:
    return (torch.randn(5, 6),)
