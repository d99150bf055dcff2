"""A budget of FLOPs with all else by default, and an encoding of whole channels.

Right: what saves no FLOP is not taken: synapses inside tensors that stay are left alone, unless
asked for.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

import evoframe

EXPECT = "exact"
RUN = {
    "encoding": "narrow",
    "environment": "budget",
    "training": "none",
    "generations": 2,
    "options": ["environment.cost=flops", "environment.share=0.5"],
}

IMAGES = torch.arange(8.0 * 3 * 8 * 8).reshape(8, 3, 8, 8).sin()
LABELS = torch.arange(8) % 2


def task():
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Conv2d(3, 24, 3), nn.ReLU(), nn.Conv2d(24, 24, 3), nn.ReLU(), nn.Conv2d(24, 24, 3),
        nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(24, 2),
    )  # fmt: skip
    loader = DataLoader(TensorDataset(IMAGES, LABELS), 4)
    return evoframe.task(network=net, train=loader, validation=loader, loss=F.cross_entropy)


def check(run) -> None:
    weights = [layer.weight for layer in run.network().modules() if isinstance(layer, nn.Conv2d)]
    zeros, every = (
        sum(int((one == 0).sum()) for one in weights),
        sum(one.numel() for one in weights),
    )
    assert not zeros, (
        f"{zeros} of the {every} weights that stay are held at zero, which saves no FLOP"
    )
