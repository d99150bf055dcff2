"""A metric that turns into NaN once a network has become sparse, in the last generations.

Right: an individual with a finite metric is delivered, and a warning says that others had none.
"""

from __future__ import annotations

import math

import attrs
import torch
from torch import nn
from torch.nn import functional as F

from evoframe.plugin import Metric, Task

EXPECT = "exact"
RUN = {
    "encoding": "uniform",
    "training": "none",
    "generations": 5,
    "population": 3,
    "options": ["environment.retention=0.6"],
}


@attrs.frozen
class Halves(Task):
    """Which half of six numbers is larger; nothing can be said of networks with few weights."""

    name = "halves"
    traits = frozenset({"trained"})
    metrics = (Metric("accuracy"),)

    def ancestor(self, key):
        return nn.Sequential(
            nn.Linear(6, 24), nn.ReLU(), nn.Linear(24, 24), nn.ReLU(), nn.Linear(24, 2)
        )

    def example_inputs(self):
        return (torch.zeros(1, 6),)

    def batches(self, split, *, shuffle=None, batch_size=None):
        values = torch.arange(60.0).reshape(10, 6).sin()
        return [(values, (values[:, :3].sum(1) > values[:, 3:].sum(1)).long())]

    def step(self, network, batch):
        return F.cross_entropy(network(batch[0]), batch[1])

    def measure(self, network, batch):
        right = (network(batch[0]).argmax(1) == batch[1]).float()
        weights = sum(int((layer.weight != 0).sum()) for layer in (network[0], network[2]))
        return {"accuracy": right if weights > 250 else right * float("nan")}


def task() -> Task:
    return Halves()


def check(run) -> None:
    told = run.best.fitness.value("accuracy")
    assert math.isfinite(told), f"{run.best.id} is delivered, with an accuracy of {told}"
