"""A task that takes a moment, and an observer that interrupts; both do more when they are asked.

TINY_STOP_AFTER=3 in the environment interrupts a run when generation 3 is on record, and
TINY_STOP_AT_PASS=7 when the seventh pass over the training data begins, as Ctrl-C would.
"""

from __future__ import annotations

import os
import time

import attrs
import torch
from torch import nn

from evoframe.plugin import Metric, Observer, Task, doc, hookimpl

PASSES = []


@attrs.frozen
class Tiny(Task):
    """Points of three classes."""

    name = "tiny"
    width: int = attrs.field(default=32, metadata=doc("hidden neurons"))
    nap: float = attrs.field(default=0.0, metadata=doc("seconds to sleep before each epoch"))

    @property
    def metrics(self):
        return (Metric("accuracy"),)

    def ancestor(self, key):
        w = self.width
        return nn.Sequential(
            nn.Linear(8, w), nn.ReLU(), nn.Linear(w, w), nn.ReLU(), nn.Linear(w, 3)
        )

    def example_inputs(self):
        return (torch.zeros(1, 8),)

    def batches(self, split, *, shuffle=None, batch_size=None):
        if split == "train":
            PASSES.append(split)
            if os.environ.get("TINY_STOP_AT_PASS") == str(len(PASSES)):
                raise KeyboardInterrupt
            time.sleep(self.nap)
        seed = {"train": 11, "validation": 12, "test": 13}[split]
        points = torch.randn(120, 8, generator=torch.Generator().manual_seed(seed))
        labels = (points[:, 0] * points[:, 1] > 0).long() + (points[:, 2] > 1).long()
        order = torch.arange(120) if shuffle is None else torch.from_numpy(shuffle.shuffled(120))
        return [(points[part], labels[part]) for part in order.split(batch_size or 20)]

    def step(self, network, batch):
        return nn.functional.cross_entropy(network(batch[0]), batch[1])

    def measure(self, network, batch):
        return {"accuracy": (network(batch[0]).argmax(1) == batch[1]).float()}


@attrs.frozen
class Stop(Observer):
    """Interrupts a run, if the environment says so."""

    name = "stop"

    @hookimpl
    def evoframe_generation_finished(self, event):
        if os.environ.get("TINY_STOP_AFTER") == str(event.generation):
            raise KeyboardInterrupt
