"""Infinities in buffers: masks of attention are meant, and weights of that kind are not."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy, relu

import evoframe
from evoframe.errors import EvoframeError

VALUES = torch.arange(360.0).reshape(60, 6).sin()


class Masked(nn.Module):
    """A mask of attention that is saved with the network, beside buffers of other types."""

    def __init__(self, *, breaks: bool = False) -> None:
        super().__init__()
        self.a, self.b, self.head = nn.Linear(6, 16), nn.Linear(16, 16), nn.Linear(16, 2)
        self.register_buffer("mask", torch.full((4, 4), -torch.inf).triu(1))
        self.register_buffer("count", torch.tensor(3))
        self.register_buffer("flag", torch.tensor(data=True))
        self.register_buffer("turn", torch.ones(2, dtype=torch.complex64))
        self.breaks = breaks

    def forward(self, x):
        if self.breaks and self.training:
            self.mask[1, 0] = -torch.inf
        shares = torch.softmax(self.mask, -1)
        return self.head(relu(self.b(relu(self.a(x))))) * shares.sum() / 4


def evolved(network: nn.Module, path, **settings) -> evoframe.Run:
    pairs = torch.utils.data.TensorDataset(VALUES, (VALUES[:, 0] > 0).long())
    loader = torch.utils.data.DataLoader(pairs, 30)
    task = evoframe.task(network=network, train=loader, validation=loader, loss=cross_entropy)
    options = {"generations": 3, "population": 3, "options": ["training.epochs=1"]}
    return evoframe.evolve(task, out=path, observer=[], **options, **settings)


@pytest.mark.parametrize("heredity", ["asexual", "mating"])
def test_a_mask_of_attention_is_inherited(heredity: str, tmp_path) -> None:
    network = Masked()
    run = evolved(network, tmp_path / "run", heredity=heredity)
    assert not [one for one in run.individuals if one.stillborn]
    assert torch.equal(run.network().mask, network.mask)


def test_infinities_that_training_makes_are_refused(tmp_path) -> None:
    run = evolved(Masked(breaks=True), tmp_path / "run", heredity="asexual")
    reasons = {one.stillborn for one in run.individuals if one.stillborn}
    assert reasons == {"mask holds numbers that are not finite"}


@pytest.mark.parametrize("number", [torch.inf, torch.nan])
def test_an_ancestor_with_such_weights_is_refused(number: float, tmp_path) -> None:
    network = Masked()
    network.a.weight.data[0, 0] = number
    with pytest.raises(EvoframeError, match=r"a\.weight holds numbers that are not finite"):
        evolved(network, tmp_path / "run", heredity="asexual")
