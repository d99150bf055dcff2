"""Ties: parameters that are read in more than one way, and biases of other shapes."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy, embedding, linear, relu

import evoframe
from evoframe import anatomy
from evoframe.kernel.genotype import Genotype
from evoframe.kernel.settling import settle, settle_masks
from support.exactness import share_that_leaves

WORDS = (torch.randint(0, 11, (5, 4)),)
ROWS = (torch.randn(5, 8, dtype=torch.float64),)


class TiedHead(nn.Module):
    """An embedding whose weight is the head's as well."""

    def __init__(self, *, between: int = 8) -> None:
        super().__init__()
        self.embedding, self.middle = nn.Embedding(11, 8), nn.Linear(8, between)
        self.back, self.head = nn.Linear(between, 8), nn.Linear(8, 11, bias=False)
        self.head.weight = self.embedding.weight

    def forward(self, words):
        inner = relu(self.middle(self.embedding(words)))
        return self.head(relu(self.back(inner))).mean(1)


class TiedInside(nn.Module):
    """An embedding's weight as that of a layer whose outputs are read on: its rows are words."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding, self.down = nn.Embedding(11, 8), nn.Linear(11, 16)
        self.head = nn.Linear(16, 3)

    def forward(self, words):
        scores = linear(self.embedding(words).mean(1), self.embedding.weight)
        return self.head(relu(self.down(relu(scores))))


class HeadFirst(nn.Module):
    """A layer whose weight is looked up afterwards."""

    def __init__(self) -> None:
        super().__init__()
        self.layer, self.mix, self.head = nn.Linear(8, 11), nn.Linear(11, 8), nn.Linear(8, 3)

    def forward(self, x):
        x = relu(self.mix(relu(self.layer(x))))
        words = torch.arange(x.shape[0], device=x.device)
        return self.head(relu(x + embedding(words, self.layer.weight)))


class TwoTables(nn.Module):
    """Two embeddings whose columns are put together."""

    def __init__(self, *, shared: bool = False) -> None:
        super().__init__()
        self.first = nn.Embedding(11, 10)
        self.second = self.first if shared else nn.Embedding(11, 10)
        self.head = nn.Linear(20, 3)

    def forward(self, words):
        return self.head(torch.cat([self.first(words[:, 0]), self.second(words[:, 1])], 1))


class LayerAndFactor(nn.Module):
    """A layer's weight whose rows scale its own outputs as well."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.head = nn.Linear(8, 8), nn.Linear(8, 8), nn.Linear(8, 3)

    def forward(self, x):
        x = relu(self.b(relu(self.a(x))))
        return self.head((x.unsqueeze(1) * self.b.weight).mean(1))


FIRST, BOTH = "embedding.weight", ("first.weight", "second.weight", "head.weight")
TIED = {
    "head, both evolve": (TiedHead, WORDS, ("middle.weight", "back.weight", "head.weight")),
    "head, by its first name": (TiedHead, WORDS, (FIRST, "middle.weight")),
    "head, neither evolves": (TiedHead, WORDS, ("middle.weight", "back.weight")),
    "inside, it evolves": (TiedInside, WORDS, (FIRST, "down.weight")),
    "inside, it does not": (TiedInside, WORDS, ("down.weight",)),
    "two tables": (TwoTables, WORDS, BOTH),
    "two tables, one evolves": (TwoTables, WORDS, ("second.weight", "head.weight")),
    "one table twice": (lambda: TwoTables(shared=True), WORDS, ("first.weight", "head.weight")),
    "the layer first": (HeadFirst, (torch.randn(5, 8).double(),), ("layer.weight", "mix.weight")),
    "a layer and a factor": (LayerAndFactor, ROWS, ("a.weight", "b.weight")),
}


@pytest.mark.parametrize("tied", TIED)
def test_what_is_read_in_two_ways_is_exact(tied: str) -> None:
    torch.manual_seed(0)
    make, inputs, evolvable = TIED[tied]
    assert share_that_leaves(make(), inputs, evolvable) >= 0


def test_layers_around_a_tied_embedding_shrink() -> None:
    torch.manual_seed(0)
    wide = TiedHead(between=64)
    assert share_that_leaves(wide, WORDS, ("middle.weight", "back.weight")) > 0.7


def test_a_column_that_nobody_reads_is_dead() -> None:
    plan = anatomy.survey(TwoTables(), WORDS, BOTH)
    whole = plan.genotype()
    masks = {name: mask.clone() for name, mask in whole.masks.items()}
    masks["head.weight"][:, 4] = False
    settled = settle(Genotype(masks, whole.state), plan.wiring)
    assert not settled.masks["first.weight"][:, 4].any()
    assert settled.masks["first.weight"].sum() == 99
    assert settled.synapses == 99 + 110 + 57


def test_a_column_without_synapses_is_read_by_nobody() -> None:
    plan = anatomy.survey(TwoTables(), WORDS, BOTH)
    masks = {name: mask.clone() for name, mask in plan.genotype().masks.items()}
    masks["second.weight"][:, 2] = False
    assert not settle_masks(masks, plan.wiring)["head.weight"][:, 12].any()


def test_who_has_no_synapse_does_not_live(tmp_path) -> None:
    words = torch.randint(0, 11, (150, 5), generator=torch.Generator().manual_seed(0))
    pairs = torch.utils.data.TensorDataset(words, words[:, 0])
    loader = torch.utils.data.DataLoader(pairs, 50)
    torch.manual_seed(0)
    task = evoframe.task(
        network=TiedHead(),
        train=loader,
        validation=loader,
        loss=cross_entropy,
        evolvable=("middle.weight", "head.weight"),
    )
    settings = {"encoding": "uniform", "training": "none", "population": 2, "seed": 3}
    run = evoframe.evolve(task, out=tmp_path / "run", generations=6, observer=[], **settings)
    assert all(one.synapses for one in run.individuals if one.is_alive)


class Biased(nn.Module):
    """A layer with a bias of a shape of its own."""

    def __init__(self, *shape: int, expanded: bool = False) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.randn(32, 8)), nn.Parameter(torch.randn(shape))
        self.b, self.head, self.expanded = nn.Linear(32, 16), nn.Linear(16, 4), expanded

    def forward(self, x):
        bias = self.bias.expand(32) if self.expanded else self.bias
        return self.head(relu(self.b(relu(linear(x, self.weight, bias)))))


class AddedRow(nn.Module):
    """A bias (1, C) for features at many places, where no fused operation takes it."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.head = nn.Linear(8, 32), nn.Linear(32, 16), nn.Linear(16, 4)
        self.a.bias = nn.Parameter(torch.randn(1, 32))

    def forward(self, x):
        return self.head(relu(self.b(relu(self.a(x.reshape(5, 2, 4).repeat(1, 1, 2))))))


BIASES = {
    "a row": (lambda: Biased(1, 32), 0.5),
    "a row for each example": (lambda: Biased(5, 32), 0.5),
    "a scalar": (Biased, 0.3),
    "one number": (lambda: Biased(1), 0.3),
    "one number in a row": (lambda: Biased(1, 1), 0.3),
    "a column, a number an example": (lambda: Biased(5, 1), 0.3),
    "one number, expanded": (lambda: Biased(1, expanded=True), 0.0),
    "the usual": (lambda: Biased(32), 0.5),
    "a row at many places": (AddedRow, 0.5),
}


@pytest.mark.parametrize("bias", BIASES)
def test_biases_of_any_shape_are_exact(bias: str) -> None:
    torch.manual_seed(0)
    make, least = BIASES[bias]
    weight = "a.weight" if bias == "a row at many places" else "weight"
    assert share_that_leaves(make(), ROWS, (weight, "b.weight")) >= least


class Doubled(nn.Module):
    """Adds two copies of a layer's outputs, side by side, to those of another."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.head = nn.Linear(8, 6), nn.Linear(8, 12), nn.Linear(12, 3)

    def forward(self, x):
        half = relu(self.a(x))
        return self.head(torch.cat([half, half], 1) + relu(self.b(x)))


def test_what_meets_copies_of_a_channel_leaves_with_them() -> None:
    torch.manual_seed(0)
    assert share_that_leaves(Doubled(), ROWS, ("a.weight", "b.weight")) > 0.7
