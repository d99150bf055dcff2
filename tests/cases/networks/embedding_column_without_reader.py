"""Two embeddings that evolve, with columns that nobody reads once synapses are gone.

Right: a column without a reader is dead, so that absorb(develop(g)) is g.
"""

from __future__ import annotations

import torch
from torch import nn

EXPECT = "exact"
EVOLVABLE = ("first.weight", "second.weight", "head.weight")


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.head = (
            nn.Embedding(10, 10),
            nn.Embedding(10, 10),
            nn.Linear(20, 3),
        )

    def forward(self, words):
        return self.head(torch.cat([self.first(words), self.second(words)], 1))


def network() -> nn.Module:
    return Net()


def inputs() -> tuple:
    return (torch.randint(0, 10, (5,)),)
