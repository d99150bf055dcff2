"""A loader whose batches are (dict of inputs, targets), as tokenizers and collators make them.

Right: the dict is given to the network by keyword, and the run goes through.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader

import evoframe

EXPECT = "exact"
RUN = {"generations": 2, "options": ["training.epochs=1"]}


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embedding, self.a, self.head = (
            nn.Embedding(20, 16),
            nn.Linear(16, 24),
            nn.Linear(24, 2),
        )

    def forward(self, input_ids, attention_mask):
        x = F.relu(self.a(self.embedding(input_ids))) * attention_mask[..., None]
        return self.head(x.sum(1) / attention_mask.sum(1, keepdim=True))


def task():
    dice = torch.Generator().manual_seed(0)
    words = torch.randint(0, 20, (40, 5), generator=dice)
    rows = [({"input_ids": row, "attention_mask": torch.ones(5)}, int(row[0]) % 2) for row in words]
    loader = DataLoader(rows, 10)
    return evoframe.task(network=Net(), train=loader, validation=loader, loss=F.cross_entropy)
