"""Batches that are named tuples, a network with two outputs and two losses, metrics of a data set.

Right: what goes where is said in names, and the run goes through.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader

import evoframe

EXPECT = "exact"
RUN = {"generations": 2, "options": ["training.epochs=1"], "environment": ["budget"]}


class Batch(NamedTuple):
    picture: Tensor
    kind: Tensor
    size: Tensor


class Answer(NamedTuple):
    kind: Tensor
    size: Tensor


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Linear(6, 24), nn.Linear(24, 24)
        self.kind, self.size = nn.Linear(24, 2), nn.Linear(24, 1)

    def forward(self, picture):
        x = F.relu(self.b(F.relu(self.a(picture))))
        return Answer(self.kind(x), self.size(x)[:, 0])


def rank(outputs: Answer, targets: tuple[Tensor, Tensor]) -> Tensor:
    scores, kind = outputs.kind[:, 1] - outputs.kind[:, 0], targets[0]
    return (scores[kind == 1][:, None] > scores[kind == 0]).double().mean()


def task():
    values = torch.randn(60, 6, generator=torch.Generator().manual_seed(0))
    rows = [Batch(one, (one[0] > 0).long(), one.sum()) for one in values]
    loader = DataLoader(rows, 20)
    return evoframe.task(
        network=Net(),
        train=loader,
        validation=loader,
        forward="picture",
        targets=("kind", "size"),
        loss=lambda outputs, targets: (
            F.cross_entropy(outputs.kind, targets[0]) + F.mse_loss(outputs.size, targets[1])
        ),
        metrics={"auc": evoframe.over_data_set(rank)},
        evolvable=("a.weight", "b.weight"),
    )


def check(run) -> None:
    found = run.best.fitness.validation["auc"]
    assert 0 <= found.value <= 1
    assert found.error
    assert run.best.fitness.costs["parameters"] < run.ancestor.fitness.costs["parameters"]
