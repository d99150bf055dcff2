"""What a survey tells: what can leave is what some genotype lets leave."""

from __future__ import annotations

import attrs
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

from evoframe import anatomy
from evoframe.report import survey


class Residual(nn.Module):
    """A table begins a stream to which a block adds, and a head reads it."""

    def __init__(self) -> None:
        super().__init__()
        self.table, self.head = nn.Embedding(5, 6), nn.Linear(6, 2)
        self.up, self.down = nn.Linear(6, 9), nn.Linear(9, 6)

    def forward(self, words):
        stream = self.table(words)
        return self.head(stream + self.down(F.relu(self.up(stream))))


def surveyed(*names: str) -> anatomy.Anatomy:
    return anatomy.survey(Residual(), (torch.arange(5),), names)


def can_leave(plan: anatomy.Anatomy) -> dict[str, int]:
    columns = [list(one.cells) for one in survey.layers(plan).columns]
    return dict(zip(columns[0], map(int, columns[3]), strict=True))


def least(plan: anatomy.Anatomy) -> nn.Module:
    nothing = {name: torch.zeros_like(mask) for name, mask in plan.genotype().masks.items()}
    return plan.develop(attrs.evolve(plan.genotype(), masks=nothing)).network


def test_what_other_layers_write_is_not_said_to_leave() -> None:
    """No rule keeps the stream, but its table does not evolve, so it is never zero."""
    plan = surveyed("up.weight", "down.weight")

    assert least(plan).table.embedding_dim == 6
    assert can_leave(plan) == {"up.weight": 9, "down.weight": 0}
    assert "down.weight" in (said := survey.written_by_others(plan))
    assert "table.weight" in said


def test_a_table_that_evolves_lets_its_stream_leave() -> None:
    plan = surveyed("table.weight", "up.weight", "down.weight")

    assert least(plan).table.embedding_dim == 1
    assert can_leave(plan) == {"table.weight": 6, "up.weight": 9, "down.weight": 6}
    assert survey.written_by_others(plan) == ""
