"""A model as those of transformers: mapping batches with labels, and a dataclass with the loss.

Right: no loss is named, the network is surveyed without labels, and it shrinks exactly.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader

import evoframe

EXPECT = "exact"
RUN = {"generations": 2, "options": ["training.epochs=1"], "environment": ["budget"]}
WORDS = torch.randint(0, 20, (40, 5), generator=torch.Generator().manual_seed(0))


@dataclass
class Output:
    loss: Tensor | None = None
    logits: Tensor | None = None
    hidden_states: tuple[Tensor, ...] | None = None


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embedding, self.a, self.b = nn.Embedding(20, 16), nn.Linear(16, 24), nn.Linear(24, 24)
        self.classifier = nn.Linear(24, 2)

    def forward(self, input_ids=None, attention_mask=None, token_type_ids=None, labels=None):
        x = F.relu(self.a(self.embedding(input_ids))) * attention_mask[..., None]
        logits = self.classifier(F.relu(self.b(x.sum(1))))
        loss = None if labels is None else F.cross_entropy(logits.view(-1, 2), labels.view(-1))
        return Output(loss=loss, logits=logits)


def task():
    rows = [
        {"input_ids": row, "attention_mask": torch.ones(5), "labels": int(row[0]) % 2}
        for row in WORDS
    ]
    loader = DataLoader(rows, 10)
    return evoframe.task(network=Net(), train=loader, validation=loader)


def check(run) -> None:
    small, costs = run.network(), run.best.fitness.costs
    assert costs["parameters"] < run.ancestor.fitness.costs["parameters"]
    assert costs["flops"] < run.ancestor.fitness.costs["flops"]
    given = {"input_ids": WORDS, "attention_mask": torch.ones(40, 5)}
    with torch.no_grad():
        due = small(**given, labels=WORDS[:, 0] % 2).loss
        assert small(**given).loss is None
    assert abs(run.best.fitness.validation["loss"].value - float(due)) < 1e-5
