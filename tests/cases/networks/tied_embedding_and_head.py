"""An embedding whose weight is the head's as well, and evolves (GPT-2's way).

Right: mask and state agree after settling, and who has no synapse is stillborn.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

import evoframe

EXPECT = "exact"
SHARE = 0.0
EVOLVABLE = ("middle.weight", "head.weight")
RUN = {"encoding": "uniform", "training": "none", "population": 2, "generations": 6, "seed": 3}


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(11, 8)
        self.middle, self.head = nn.Linear(8, 8), nn.Linear(8, 11, bias=False)
        self.head.weight = self.embedding.weight

    def forward(self, words):
        return self.head(F.relu(self.middle(self.embedding(words)))).mean(1)


def network() -> nn.Module:
    torch.manual_seed(0)
    return Net()


def inputs() -> tuple:
    return (torch.randint(0, 11, (3, 5)),)


def task():
    words = torch.randint(0, 11, (150, 5), generator=torch.Generator().manual_seed(0))
    loader = DataLoader(TensorDataset(words, words[:, 0]), 50)
    accuracy = lambda outputs, targets: (outputs.argmax(1) == targets).float()
    return evoframe.task(
        network=network(),
        train=loader,
        validation=loader,
        loss=F.cross_entropy,
        metrics={"accuracy": accuracy},
        evolvable=EVOLVABLE,
    )


def check(run) -> None:
    empty = [one.id for one in run.individuals if one.is_alive and not one.synapses]
    assert not empty, f"{empty[0]} lives without a synapse"
