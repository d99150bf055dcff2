"""Parameters that are used more than once: a channel leaves where it is dead in all calls."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

from evoframe import anatomy
from evoframe.kernel.genotype import Genotype
from evoframe.kernel.living import living_channels
from evoframe.kernel.settling import settle
from support.exactness import assert_exact, share_that_leaves
from support.surgery import drawn, shaken


class Words(nn.Module):
    """One table for two texts; in ``tied`` networks also the last layer's weight."""

    def __init__(self, *, tied: bool) -> None:
        super().__init__()
        self.words, self.mix = nn.Embedding(11, 8), nn.Linear(8, 8)
        self.last = nn.Linear(8, 11, bias=False)
        if tied:
            self.last.weight = self.words.weight

    def forward(self, one, other):
        both = self.words(one).mean(1) - self.words(other).sum(1)
        return self.last(F.relu(self.mix(both)) + both)


@pytest.mark.parametrize(("tied", "share"), [(False, 0.9), (True, 0.85)])
def test_a_table_that_is_used_again_loses_columns(*, tied: bool, share: float) -> None:
    texts = torch.randint(0, 11, (4, 5)), torch.randint(0, 11, (4, 3))

    found = share_that_leaves(Words(tied=tied), texts, ["words.weight", "mix.weight"])

    assert found >= share - 0.1, found


class Towers(nn.Module):
    """One layer for two inputs, of which a head reads one output each."""

    def __init__(self) -> None:
        super().__init__()
        self.left, self.right = nn.Linear(3, 4), nn.Linear(3, 4)
        self.shared = nn.Linear(4, 4)
        self.one, self.other = nn.Linear(4, 1), nn.Linear(4, 1)

    def forward(self, x):
        left, right = (self.shared(F.relu(way(x))) for way in (self.left, self.right))
        return self.one(F.relu(left)), self.other(F.relu(right))


@pytest.mark.parametrize("dead", [("one",), ("other",), ("one", "other")])
def test_a_row_dies_with_its_last_reader(dead: tuple[str, ...]) -> None:
    """While one call's output is read, the row lives, and what it reads in either call."""
    network, inputs = shaken(Towers()), (torch.randn(5, 3).double(),)
    names = [f"{name}.weight" for name in ("left", "right", "shared", "one", "other")]
    plan = anatomy.survey(network, inputs, names)
    masks = plan.genotype().masks
    for name in dead:
        masks[f"{name}.weight"][:, 2] = False

    genotype = settle(Genotype(masks, plan.genotype().state), plan.wiring)

    alive = living_channels(genotype.masks, plan.wiring)
    row = plan.wiring.targets["shared.weight"].reshape(-1)[2]
    assert bool(alive[row]) == (len(dead) < 2)
    assert len(plan.develop(genotype).network.shared.weight) == (4 if len(dead) < 2 else 3)
    assert_exact(network, plan, genotype, inputs)


@pytest.mark.parametrize("gone", ["left", "right"])
def test_a_source_is_dead_where_no_call_is_given_it(gone: str) -> None:
    """A column is needed while any call brings something for it."""
    network, inputs = shaken(Towers()), (torch.randn(5, 3).double(),)
    names = [f"{name}.weight" for name in ("left", "right", "shared")]
    plan = anatomy.survey(network, inputs, names)
    masks = plan.genotype().masks
    masks[f"{gone}.weight"][1] = False

    half = settle(Genotype(dict(masks), plan.genotype().state), plan.wiring)
    masks = {name: mask.clone() for name, mask in masks.items()}
    for name in ("left", "right"):
        masks[f"{name}.weight"][1] = False
    none = settle(Genotype(masks, plan.genotype().state), plan.wiring)

    assert bool(half.masks["shared.weight"][:, 1].all())
    assert not bool(none.masks["shared.weight"][:, 1].any())
    for genotype in (half, none, drawn(plan, 5, 0.4, 0.6)):
        assert_exact(network, plan, genotype, inputs)


class Loop(nn.Module):
    """A state that only itself writes, read in every step."""

    def __init__(self) -> None:
        super().__init__()
        self.into, self.again, self.head = nn.Linear(3, 5), nn.Linear(5, 5), nn.Linear(5, 2)

    def forward(self, x):
        state = torch.tanh(self.into(x[:, 0]))
        for word in x.unbind(1)[1:]:
            state = torch.tanh(self.into(word) + self.again(state))
        return self.head(state)


def test_a_unit_that_only_itself_writes_is_dead() -> None:
    """Nothing comes out of nothing, however often it goes round; with others it lives on."""
    network, inputs = shaken(Loop()), (torch.randn(4, 6, 3).double(),)
    plan = anatomy.survey(network, inputs, ["into.weight", "again.weight"])
    masks = plan.genotype().masks
    masks["into.weight"][:2] = False
    masks["again.weight"][0] = torch.tensor([True, False, False, False, False])

    genotype = settle(Genotype(masks, plan.genotype().state), plan.wiring)

    assert not bool(genotype.masks["again.weight"][0].any())
    assert not bool(genotype.masks["again.weight"][:, 0].any())
    assert bool(genotype.masks["again.weight"][1, 1:].all())
    assert len(plan.develop(genotype).network.again.weight) == 4
    assert_exact(network, plan, genotype, inputs)
