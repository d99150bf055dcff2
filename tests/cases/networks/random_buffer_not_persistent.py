"""A network with random features in a buffer that is not saved, and a run that is opened again.

Right: what was delivered is what is opened: such buffers are kept with the run, or a difference is
refused in words.
"""

from __future__ import annotations

from tempfile import TemporaryDirectory

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

import evoframe

EXPECT = "exact or refused"


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.head = nn.Linear(16, 24), nn.Linear(24, 24), nn.Linear(24, 2)
        self.register_buffer("directions", torch.randn(6, 16), persistent=False)

    def forward(self, x):
        return self.head(F.relu(self.b(F.relu(self.a((x @ self.directions).cos())))))


VALUES = torch.arange(360.0).reshape(60, 6).sin()


def session(seed: int, weights=None):
    torch.manual_seed(seed)
    net = Net()
    if weights is not None:
        net.load_state_dict(weights)
    loader = DataLoader(TensorDataset(VALUES, (VALUES[:, 0] > 0).long()), 30)
    return net.state_dict(), evoframe.task(
        network=net, train=loader, validation=loader, loss=F.cross_entropy
    )


def check() -> None:
    with TemporaryDirectory() as folder:
        weights, task = session(1)
        run = evoframe.evolve(
            task, training="none", generations=2, out=f"{folder}/run", observer=[]
        )
        delivered = run.network()(VALUES)
        try:
            opened = evoframe.open_run(f"{folder}/run", task=session(2, weights)[1]).network()(
                VALUES
            )
        except evoframe.EvoframeError:
            return
    gap = float((delivered - opened).abs().max())
    assert gap < 1e-5, f"the network of a new session is {gap:.2f} apart, and nothing is said"
