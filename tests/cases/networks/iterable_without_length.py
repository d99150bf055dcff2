"""A training loader over a stream that has no length.

Right: an epoch is one pass over the stream; or one line that names the loader.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, IterableDataset, TensorDataset

import evoframe

EXPECT = "exact or refused"
NAMES = ("length", "len(")
RUN = {"generations": 2, "options": ["training.epochs=1"]}

VALUES = torch.arange(540.0).reshape(90, 6).sin()


class Stream(IterableDataset):
    def __iter__(self):
        return iter(zip(VALUES, (VALUES[:, 0] > 0).long()))


def task():
    whole = TensorDataset(VALUES, (VALUES[:, 0] > 0).long())
    net = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 2))
    return evoframe.task(
        network=net,
        train=DataLoader(Stream(), 30),
        validation=DataLoader(whole, 30),
        loss=F.cross_entropy,
    )
