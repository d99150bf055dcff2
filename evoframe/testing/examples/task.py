"""A strategy for evoframe, of the role task."""

import attrs
import torch

from evoframe.plugin import Metric, Task, hookimpl


@attrs.frozen
class Parity(Task):
    """Three bits in, their parity out."""

    name = "parity"
    metrics = (Metric("accuracy"),)

    def ancestor(self, key):
        first, last = torch.nn.Linear(3, 16), torch.nn.Linear(16, 2)
        return torch.nn.Sequential(first, torch.nn.ReLU(), last)

    def example_inputs(self):
        return (torch.zeros(1, 3),)

    def batches(self, split, *, shuffle=None, batch_size=None):
        bits = torch.cartesian_prod(*[torch.arange(2)] * 3)
        return [(bits.float(), bits.sum(1) % 2)]

    def step(self, network, batch):
        return torch.nn.functional.cross_entropy(network(batch[0]), batch[1])

    def measure(self, network, batch):
        return {"accuracy": (network(batch[0]).argmax(1) == batch[1]).float()}


@hookimpl
def evoframe_tasks():
    return [Parity]
