"""A training set of 41 in batches of 20, before a batch norm: the last batch is one example.

Right: the run trains all the same; or one line, before anything is written, that names the batch of
one and `drop_last`.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

import evoframe

EXPECT = "exact or refused"
NAMES = ("drop_last", "one example")
RUN = {"generations": 2, "options": ["training.epochs=1"]}


def task():
    values = torch.arange(246.0).reshape(41, 6).sin()
    loader = DataLoader(TensorDataset(values, (values[:, 0] > 0).long()), 20)
    net = nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 2))
    return evoframe.task(network=net, train=loader, validation=loader, loss=F.cross_entropy)
