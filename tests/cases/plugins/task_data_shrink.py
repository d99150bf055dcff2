"""A task that counts its passes in its module, and loses half of its data after 400 of them.

Right: caught: what the module holds grows with every pass; named by the variable, whatever the
count. (Data that are read once and kept are no fault.)
"""

from __future__ import annotations

import attrs
import torch
from torch import nn

from evoframe.plugin import Metric, Task, hookimpl

EXPECT = "caught"
PASSES = []


@attrs.frozen
class Leaky(Task):
    """The parity of three bits."""

    name = "leaky"
    metrics = (Metric("accuracy"),)

    def ancestor(self, key):
        return nn.Sequential(
            nn.Linear(3, 16), nn.ReLU(), nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 2)
        )

    def example_inputs(self):
        return (torch.zeros(1, 3),)

    def batches(self, split, *, shuffle=None, batch_size=None):
        words = torch.cartesian_prod(*[torch.arange(2)] * 3)
        PASSES.append(split)
        words = words[: 8 if len(PASSES) < 400 else 4]
        return [(part.float(), part.sum(1) % 2) for part in words.split(batch_size or 4)]

    def step(self, network, batch):
        return nn.functional.cross_entropy(network(batch[0]), batch[1])

    def measure(self, network, batch):
        return {"accuracy": (network(batch[0]).argmax(1) == batch[1]).float()}


@hookimpl
def evoframe_tasks():
    return [Leaky]
