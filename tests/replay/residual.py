"""A small residual network on points that lie still: what a replay with a budget evolves."""

from __future__ import annotations

from typing import ClassVar

import attrs
import torch
from torch import nn

import evoframe
from evoframe.kernel.individual import Metric
from evoframe.roles import Task


class Block(nn.Module):
    """Two convolutions around which the input goes."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.one, self.two = (nn.Conv2d(width, width, 3, padding=1) for _ in range(2))
        self.norm = nn.BatchNorm2d(width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return maps of the same shape."""
        return torch.relu(self.two(torch.relu(self.norm(self.one(x)))) + x)


@attrs.frozen
class Residual(Task):
    """Stripes, told apart by their direction."""

    name: ClassVar[str] = "residual"
    metrics = (Metric("accuracy"),)

    def ancestor(self, key):
        stem = nn.Conv2d(1, 16, 3, padding=1)
        mean = nn.AdaptiveAvgPool2d(1)
        return nn.Sequential(stem, Block(16), Block(16), mean, nn.Flatten(), nn.Linear(16, 2))

    def example_inputs(self):
        return (torch.zeros(1, 1, 8, 8),)

    def batches(self, split, *, shuffle=None, batch_size=None):
        count = {"train": 96, "validation": 48, "test": 0}[split]
        generator = evoframe.Key(0).at(split).generator()
        labels = torch.arange(count) % 2
        lines = torch.randn(count, 1, 8, 1, generator=generator).expand(-1, -1, -1, 8)
        images = torch.where(labels[:, None, None, None] == 0, lines, lines.transpose(2, 3))
        order = torch.arange(count)
        if shuffle is not None:
            order = torch.from_numpy(shuffle.shuffled(count))
        size = batch_size or 16
        return [(images[part], labels[part]) for part in order.split(size)] if count else []

    def step(self, network, batch):
        return nn.functional.cross_entropy(network(batch[0]), batch[1])

    def measure(self, network, batch):
        return {"accuracy": (network(batch[0]).argmax(1) == batch[1]).float()}
