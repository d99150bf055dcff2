"""A task that validates on the very examples that it trains on.

Right: said, as a warning: how many validation (and test) examples are training examples, bit for
bit.
"""

from __future__ import annotations

import attrs
import torch
from torch import nn

from evoframe.plugin import Metric, Task, hookimpl

EXPECT = "said"
SAYS = r"(?s)(?=.*validation)(?=.*train).*(same|also|overlap|8 of 8)"


@attrs.frozen
class Rote(Task):
    """The parity of three bits."""

    name = "rote"
    metrics = (Metric("accuracy"),)

    def ancestor(self, key):
        return nn.Sequential(
            nn.Linear(3, 16), nn.ReLU(), nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 2)
        )

    def example_inputs(self):
        return (torch.zeros(1, 3),)

    def batches(self, split, *, shuffle=None, batch_size=None):
        words = torch.cartesian_prod(*[torch.arange(2)] * 3)
        del split, shuffle
        return [(part.float(), part.sum(1) % 2) for part in words.split(batch_size or 4)]

    def step(self, network, batch):
        return nn.functional.cross_entropy(network(batch[0]), batch[1])

    def measure(self, network, batch):
        return {"accuracy": (network(batch[0]).argmax(1) == batch[1]).float()}


@hookimpl
def evoframe_tasks():
    return [Rote]
