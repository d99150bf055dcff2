"""A pyramid of four blocks, each at half the resolution of the one before, under a budget of FLOPs.

Right: no offspring costs more than it may, and what may be spent is nearly spent.
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
    "population": 3,
    "options": [
        "encoding.of=bundle",
        "environment.cost=flops",
        "environment.share=0.5",
        "environment.alone=true",
    ],
}

IMAGES = torch.arange(2.0 * 3 * 32 * 32).reshape(2, 3, 32, 32).sin()
MASKS = (IMAGES[:, :1] > 0).float()


class Pyramid(nn.Module):
    def __init__(self, width=32) -> None:
        super().__init__()
        layers = [nn.Conv2d(3 if i == 0 else width, width, 3, padding=1) for i in range(5)]
        self.layers, self.norms = (
            nn.ModuleList(layers),
            nn.ModuleList(nn.BatchNorm2d(width) for _ in layers),
        )
        self.head = nn.Conv2d(4 * width, 1, 1)

    def forward(self, x):
        levels, size = [], x.shape[2:]
        for layer, norm in zip(self.layers, self.norms):
            x = F.relu(norm(layer(x)))
            levels.append(F.interpolate(x, size=size))
            x = F.max_pool2d(x, 2)
        return self.head(torch.cat(levels[1:], 1))


def task():
    torch.manual_seed(0)
    loader = DataLoader(TensorDataset(IMAGES, MASKS), 2)
    return evoframe.task(
        network=Pyramid(), train=loader, validation=loader, loss=F.binary_cross_entropy_with_logits
    )


def check(run) -> None:
    everybody = {one.id: one for one in run.individuals}
    shares = [
        one.fitness.costs["flops"]
        / min(everybody[parent].fitness.costs["flops"] for parent in one.parents)
        for one in run.individuals
        if one.parents and one.fitness
    ]
    over = [share for share in shares if share > 0.5]
    assert not over, (
        f"{len(over)} of {len(shares)} offspring cost more than 0.5 of their parent, "
        f"up to {max(over):.3f}"
    )
    assert min(shares) > 0.45, f"an offspring spends only {min(shares):.3f} of the 0.5 that it may"
