"""A delivered network that is asked for inside `torch.no_grad()`, as one does to run it.

Right: run.network() works there too.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

import evoframe

EXPECT = "exact"
RUN = {"training": "none", "generations": 2}


def task():
    values = torch.arange(360.0).reshape(60, 6).sin()
    net = nn.Sequential(nn.Linear(6, 24), nn.ReLU(), nn.Linear(24, 2))
    loader = DataLoader(TensorDataset(values, (values[:, 0] > 0).long()), 30)
    return evoframe.task(network=net, train=loader, validation=loader, loss=F.cross_entropy)


def check(run) -> None:
    with torch.no_grad():
        run.network()(torch.zeros(1, 6))
