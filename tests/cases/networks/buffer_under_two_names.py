"""A backbone whose first part is registered once more under another name, and holds batch norm.

Right: both names come home with the ancestor's shape, and mating works.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

import evoframe

EXPECT = "exact"
SHARE = 0.5
RUN = {
    "encoding": "cluster",
    "heredity": "mating",
    "population": 4,
    "generations": 6,
    "options": ["training.epochs=1"],
}


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.backbone = nn.Sequential(
            nn.Linear(6, 24),
            nn.BatchNorm1d(24),
            nn.ReLU(),
            nn.Linear(24, 24),
            nn.BatchNorm1d(24),
            nn.ReLU(),
        )
        self.stem, self.rest = self.backbone[:3], self.backbone[3:]
        self.head = nn.Linear(24, 2)

    def forward(self, x):
        return self.head(self.rest(self.stem(x)))


def network() -> nn.Module:
    torch.manual_seed(0)
    return Net()


def inputs() -> tuple:
    return (torch.randn(5, 6),)


def task():
    values = torch.arange(600.0).reshape(100, 6).sin()
    loader = DataLoader(TensorDataset(values, (values[:, 0] > 0).long()), 50)
    accuracy = lambda outputs, targets: (outputs.argmax(1) == targets).float()
    return evoframe.task(
        network=network(),
        train=loader,
        validation=loader,
        loss=F.cross_entropy,
        metrics={"accuracy": accuracy},
        trained=False,
    )
