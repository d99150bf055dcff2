"""A delivered network that is tuned by plain SGD, without evoframe.

Right: absent synapses stay absent (or the README says until when, and how to keep them so).
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

import evoframe

EXPECT = "exact"
RUN = {"encoding": "magnitude", "training": "none", "generations": 3}

VALUES = torch.arange(360.0).reshape(60, 6).sin()
LABELS = (VALUES[:, 0] > 0).long()


def task():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(6, 24), nn.ReLU(), nn.Linear(24, 24), nn.ReLU(), nn.Linear(24, 2))
    loader = DataLoader(TensorDataset(VALUES, LABELS), 30)
    return evoframe.task(network=net, train=loader, validation=loader, loss=F.cross_entropy)


def check(run) -> None:
    net = run.network().train()
    layers = [layer for layer in net.modules() if isinstance(layer, nn.Linear)]
    absent = [layer.weight == 0 for layer in layers]
    optimiser = torch.optim.SGD(net.parameters(), 0.1, momentum=0.9)
    for _ in range(20):
        optimiser.zero_grad()
        F.cross_entropy(net(VALUES), LABELS).backward()
        optimiser.step()
    back = sum(int((layer.weight[gone] != 0).sum()) for layer, gone in zip(layers, absent))
    assert not back, (
        f"{back} of {sum(int(gone.sum()) for gone in absent)} absent synapses are there again "
        "after 20 steps"
    )
