"""A task that trains in milliseconds: three clouds of points and a small perceptron.

Used by name (``tests/support/blobs.py:Blobs``), in this process and in others.
"""

from __future__ import annotations

from typing import ClassVar

import attrs
import torch
from torch import nn

from evoframe.kernel.individual import Metric
from evoframe.kernel.key import Key
from evoframe.roles import Task, doc


@attrs.frozen
class Blobs(Task):
    """Three clouds of points."""

    name: ClassVar[str] = "blobs"

    hidden: int = attrs.field(default=16, metadata=doc("width of the hidden layers"))
    spread: float = attrs.field(default=0.6, metadata=doc("how far the clouds reach"))
    norm: bool = attrs.field(default=False, metadata=doc("put batch norm after the first layer"))
    dropout: float = attrs.field(default=0.0, metadata=doc("share that dropout takes of the first"))

    @property
    def metrics(self):
        return (Metric("accuracy"), Metric("loss", maximise=False))

    def ancestor(self, key):
        between = [nn.BatchNorm1d(self.hidden)] if self.norm else []
        if self.dropout:
            between.append(nn.Dropout(self.dropout))
        return nn.Sequential(
            nn.Linear(4, self.hidden),
            *between,
            nn.ReLU(),
            nn.Linear(self.hidden, self.hidden),
            nn.ReLU(),
            nn.Linear(self.hidden, 3),
        )

    def example_inputs(self):
        return (torch.zeros(1, 4),)

    def batches(self, split, *, shuffle=None, batch_size=None):
        count = {"train": 96, "validation": 60, "test": 60}[split]
        generator = Key(0).at(split).generator()
        labels = torch.arange(count) % 3
        centres = torch.tensor([[1.0, 0, 0, 1], [0, 1, 0, -1], [0, 0, 1, 1]])
        points = centres[labels] + self.spread * torch.randn(count, 4, generator=generator)
        order = torch.arange(count)
        if shuffle is not None:
            order = torch.from_numpy(shuffle.shuffled(count))
        size = batch_size or 16
        return [
            (points[order[start : start + size]], labels[order[start : start + size]])
            for start in range(0, count, size)
        ]

    def step(self, network, batch):
        points, labels = batch
        return nn.functional.cross_entropy(network(points), labels)

    def measure(self, network, batch):
        points, labels = batch
        scores = network(points)
        return {
            "accuracy": (scores.argmax(1) == labels).float(),
            "loss": nn.functional.cross_entropy(scores, labels, reduction="none"),
        }


class Around(nn.Module):
    """Two branches, each added to what goes around it."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.head = nn.Linear(4, 12), nn.Linear(12, 3)
        self.one, self.two = (
            nn.Sequential(nn.Linear(12, 16), nn.ReLU(), nn.Linear(16, 12)) for _ in range(2)
        )

    def forward(self, x):
        x = self.stem(x).relu()
        x = x + self.one(x)
        return self.head(x + self.two(x))


@attrs.frozen
class Branched(Blobs):
    """Three clouds of points, and a network with residual blocks."""

    name: ClassVar[str] = "branched"

    def ancestor(self, key):
        return Around()
