"""The same budget for two generations, and the question which layers pay for it.

Right: a quarter of the arithmetic does not leave a layer with less than a tenth of its channels
beside others that are whole, unless one asks for it.
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
    "generations": 3,
    "population": 4,
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
    """Channels of trained networks differ in strength, and in some layers more than in others."""
    torch.manual_seed(0)
    net = nn.Sequential(
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
    spread = (layer for layer in net.modules() if isinstance(layer, nn.Conv2d))
    for index, layer in enumerate(spread):
        layer.weight.data *= (0.3 * (index % 4) * torch.randn(len(layer.weight), 1, 1, 1)).exp()
    return net


def task():
    pictures = torch.randn(4, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    loader = DataLoader(TensorDataset(pictures, torch.arange(4)), 2)
    return evoframe.task(network=network(), train=loader, validation=loader, loss=F.cross_entropy)


def check(run) -> None:
    full = {name: len(value) for name, value in network().named_parameters() if value.ndim > 1}
    for one in run.individuals[1:]:
        left = {
            name: len(value)
            for name, value in run.network(one.id).named_parameters()
            if value.ndim > 1
        }
        worst = min(full, key=lambda name: left[name] / full[name])
        assert left[worst] * 10 >= full[worst], (
            f"{one.id} has {left[worst]} of {full[worst]} channels in {worst}"
        )
