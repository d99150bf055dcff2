"""A metric that is called seconds, as a log entry is.

Right: any name will do, or one line that says which are taken, before anything is written.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

import evoframe

EXPECT = "exact or refused"
NAMES = ("seconds",)
RUN = {"training": "none", "generations": 2}


def task():
    values = torch.arange(540.0).reshape(90, 6).sin()
    loader = DataLoader(TensorDataset(values, (values[:, 0] > 0).long()), 30)
    metrics = {
        "accuracy": lambda outputs, targets: (outputs.argmax(1) == targets).float(),
        "seconds": (lambda outputs, targets: torch.tensor(1.0), "min"),
    }
    net = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 2))
    return evoframe.task(
        network=net, train=loader, validation=loader, loss=F.cross_entropy, metrics=metrics
    )
