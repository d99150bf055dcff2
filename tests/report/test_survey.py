"""What a survey tells: what can leave is what some genotype lets leave."""

from __future__ import annotations

import attrs
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

from evoframe import anatomy
from evoframe.report import survey
from evoframe.run.checks.shrinking import outputs


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


class Cached(nn.Module):
    """Gives its hidden channels beside its answer, as a cache of keys is given."""

    def __init__(self, *, cache: bool) -> None:
        super().__init__()
        self.cache, self.one, self.head = cache, nn.Linear(4, 6), nn.Linear(6, 2)

    def forward(self, x):
        hidden = F.relu(self.one(x))
        return {"answer": self.head(hidden)} | ({"cache": hidden} if self.cache else {})


def test_channels_that_a_network_gives_out_are_told() -> None:
    cached, bare = (
        anatomy.survey(Cached(cache=cache), (torch.randn(3, 4),), ["one.weight"])
        for cache in (True, False)
    )

    assert can_leave(cached) == {"one.weight": 0}
    assert outputs(cached).startswith("channels of one.weight stay because")
    assert outputs(bare) == ""


def test_a_table_that_evolves_lets_its_stream_leave() -> None:
    plan = surveyed("table.weight", "up.weight", "down.weight")

    assert least(plan).table.embedding_dim == 1
    assert can_leave(plan) == {"table.weight": 6, "up.weight": 9, "down.weight": 6}
    assert survey.written_by_others(plan) == ""
