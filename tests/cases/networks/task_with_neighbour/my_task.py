"""A task that takes its network from the file beside it."""

import attrs
import torch
from architecture import network
from torch.nn import functional as F

from evoframe.plugin import Metric, Task


@attrs.frozen
class Halves(Task):
    """Which half of six numbers is larger."""

    name = "halves"
    metrics = (Metric("accuracy"),)

    def ancestor(self, key):
        return network()

    def example_inputs(self):
        return (torch.zeros(1, 6),)

    def batches(self, split, *, shuffle=None, batch_size=None):
        values = torch.arange(60.0).reshape(10, 6).sin()
        return [(values, (values[:, :3].sum(1) > values[:, 3:].sum(1)).long())]

    def step(self, network, batch):
        return F.cross_entropy(network(batch[0]), batch[1])

    def measure(self, network, batch):
        return {"accuracy": (network(batch[0]).argmax(1) == batch[1]).float()}
