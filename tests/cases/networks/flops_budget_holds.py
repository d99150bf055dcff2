"""A small residual network, and offspring that may cost half the arithmetic.

Right: no offspring costs more than it may.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

import evoframe

EXPECT = "exact"
RUN = {
    "encoding": "cluster",
    "environment": "budget",
    "training": "none",
    "generations": 2,
    "population": 12,
    "options": [
        "encoding.of=bundle",
        "encoding.temperature=0.1",
        "encoding.cluster_temperature=0.1",
        "environment.cost=flops",
        "environment.share=0.5",
    ],
}


class Block(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.a, self.b = (
            nn.Conv2d(width, width, 3, padding=1),
            nn.Conv2d(width, width, 3, padding=1),
        )
        self.first, self.second = nn.BatchNorm2d(width), nn.BatchNorm2d(width)

    def forward(self, x):
        return F.relu(x + self.second(self.b(F.relu(self.first(self.a(x))))))


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1),
        Block(16),
        Block(16),
        nn.Conv2d(16, 32, 3, 2, 1),
        Block(32),
        Block(32),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(32, 4),
    )


def task():
    pictures = torch.randn(4, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    loader = DataLoader(TensorDataset(pictures, torch.arange(4)), 2)
    return evoframe.task(network=network(), train=loader, validation=loader, loss=F.cross_entropy)


def check(run) -> None:
    whole = run.ancestor.fitness.costs["flops"]
    shares = [one.fitness.costs["flops"] / whole for one in run.individuals[1:] if one.is_alive]
    over = [share for share in shares if share > 0.5]
    assert not over, (
        f"{len(over)} of {len(shares)} offspring cost more than 0.5, up to {max(over):.3f}"
    )
