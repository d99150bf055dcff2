"""A network that was compiled in place, as PyTorch advises, in a task of one's own.

Right: the compiled call is left behind, so that offspring compute with their own weights; or one
line that names `compile`.
"""

from __future__ import annotations

import attrs
import torch
from torch import nn
from torch.nn import functional as F

from evoframe.plugin import Metric, Task

EXPECT = "exact or refused"
NAMES = ("compile",)
RUN = {"training": "none", "generations": 2}


def network() -> nn.Module:
    net = nn.Sequential(nn.Linear(6, 24), nn.ReLU(), nn.Linear(24, 24), nn.ReLU(), nn.Linear(24, 2))
    net.compile(backend="eager")
    return net


def inputs() -> tuple:
    return (torch.randn(5, 6),)


@attrs.frozen
class Halves(Task):
    """Which half of six numbers is larger."""

    name = "halves"
    traits = frozenset({"trained"})
    metrics = (Metric("accuracy"),)

    def ancestor(self, key):
        return network()

    def example_inputs(self):
        return inputs()

    def batches(self, split, *, shuffle=None, batch_size=None):
        values = torch.arange(60.0).reshape(10, 6).sin()
        return [(values, (values[:, :3].sum(1) > values[:, 3:].sum(1)).long())]

    def step(self, network, batch):
        return F.cross_entropy(network(batch[0]), batch[1])

    def measure(self, network, batch):
        return {"accuracy": (network(batch[0]).argmax(1) == batch[1]).float()}


def task() -> Task:
    return Halves()
