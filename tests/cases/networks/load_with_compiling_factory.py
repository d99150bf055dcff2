"""An export that is loaded with a factory which compiles the network in place.

Right: `evoframe.load` returns a network with the exported weights, whatever the factory compiled.
"""

from __future__ import annotations

import subprocess
import sys

import attrs
import torch
from torch import nn
from torch.nn import functional as F

import evoframe
from evoframe.plugin import Metric, Task

EXPECT = "exact"
RUN = {"training": "none", "generations": 2}


def plain() -> nn.Module:
    return nn.Sequential(
        nn.Linear(6, 24), nn.ReLU(), nn.Linear(24, 24), nn.ReLU(), nn.Linear(24, 2)
    )


def compiled() -> nn.Module:
    net = plain()
    net.compile(backend="eager")
    return net


@attrs.frozen
class Halves(Task):
    """Which half of six numbers is larger."""

    name = "halves"
    traits = frozenset({"trained"})
    metrics = (Metric("accuracy"),)

    def ancestor(self, key):
        return plain()

    def example_inputs(self):
        return (torch.zeros(1, 6),)

    def batches(self, split, *, shuffle=None, batch_size=None):
        values = torch.arange(60.0).reshape(10, 6).sin()
        return [(values, (values[:, :3].sum(1) > values[:, 3:].sum(1)).long())]

    def step(self, network, batch):
        return F.cross_entropy(network(batch[0]), batch[1])

    def measure(self, network, batch):
        return {"accuracy": (network(batch[0]).argmax(1) == batch[1]).float()}


def task() -> str:
    return f"{__file__}:Halves"


def check(run) -> None:
    export = [sys.executable, "-P", "-m", "evoframe", "export"]
    subprocess.run([*export, run.path, "--no-measure"], check=True, capture_output=True)
    probe, due = torch.randn(9, 6), run.network()
    for factory in (plain, compiled):
        found = evoframe.load(run.path / "export-state", factory)
        same = torch.allclose(found(probe), due(probe), atol=1e-6)
        assert same, f"loaded with the factory {factory.__name__} it computes something else"
