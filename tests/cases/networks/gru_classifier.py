"""A classifier of sequences: embedding, GRU, head.

Right: hidden units of the GRU can leave, and it evolves without being named.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

EXPECT = "exact"
SHARE = 0.4


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embedding, self.a = nn.Embedding(20, 8), nn.Linear(8, 16)
        self.memory = nn.GRU(16, 24, batch_first=True)
        self.b, self.head = nn.Linear(24, 16), nn.Linear(16, 2)

    def forward(self, words):
        states, _ = self.memory(F.relu(self.a(self.embedding(words))))
        return self.head(F.relu(self.b(states[:, -1])))


def network() -> nn.Module:
    return Net()


def inputs() -> tuple:
    return (torch.randint(0, 20, (3, 5)),)
