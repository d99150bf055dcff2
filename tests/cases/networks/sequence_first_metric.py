"""Batches with time first, and a metric that is the mean of a batch.

Right: the mean over 41 sequences, each counted once: batches count by their targets; or one line
that asks for a value for each example.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

import evoframe

EXPECT = "exact or refused"
NAMES = ("metric",)
RUN = {"training": "none", "generations": 1}


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.head = nn.Linear(6, 8), nn.Linear(8, 8), nn.Linear(8, 2)

    def forward(self, x):  # (time, batch, 6)
        return self.head(F.relu(self.b(F.relu(self.a(x)))).mean(0))


def stacked(pairs):
    return torch.stack([x for x, _ in pairs], 1), torch.stack([y for _, y in pairs])


def task():
    loader = DataLoader(
        TensorDataset(torch.randn(41, 7, 6), torch.arange(41) % 2), 20, collate_fn=stacked
    )
    ones = lambda outputs, targets: targets.float().mean()
    return evoframe.task(
        network=Net(),
        train=loader,
        validation=loader,
        loss=F.cross_entropy,
        metrics={"share of ones": ones},
    )


def check(run) -> None:
    told, right = run.ancestor.fitness.value("share of ones"), 20 / 41
    assert abs(told - right) < 1e-6, f"told {told:.3f}, right {right:.3f}"
