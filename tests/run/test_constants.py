"""Constants: what no genotype holds must be the same when a run is opened, or gone on with."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy, relu

import evoframe
from evoframe.errors import RunError
from evoframe.run.disk.constants import marks_of
from evoframe.run.disk.folder import RunFolder
from evoframe.run.disk.record import RECORD, read_record

VALUES = torch.arange(360.0).reshape(60, 6).sin()
WAYS = ("buffer", "attribute", "inside", "in a list", "mask", "whole numbers", "complex")


class Features(nn.Module):
    """Random features that no state dict holds, kept in different ways."""

    def __init__(self, way: str) -> None:
        super().__init__()
        self.a, self.b, self.head = nn.Linear(16, 24), nn.Linear(24, 24), nn.Linear(24, 2)
        drawn = torch.randn(6, 16)
        if way == "attribute":
            self.directions = drawn
        elif way == "inside":
            self.a.directions = drawn
            self.directions = None
        elif way == "in a list":
            self.a.directions, self.held, self.directions = None, [drawn], None
        elif way == "mask":
            self.register_buffer("directions", drawn.where(drawn > 0, -torch.inf), persistent=False)
        elif way == "whole numbers":
            self.register_buffer("directions", (9 * drawn).long(), persistent=False)
        elif way == "complex":
            self.register_buffer("directions", torch.complex(drawn, drawn), persistent=False)
        else:
            self.register_buffer("directions", drawn, persistent=way == "persistent")

    def forward(self, x):
        directions = self.a.directions if self.directions is None else self.directions
        directions = self.held[0] if directions is None else directions
        directions = directions.real.float().clamp(-3, 3)
        return self.head(relu(self.b(relu(self.a((x @ directions).cos())))))


def task(way: str, seed: int, weights=None):
    torch.manual_seed(seed)
    network = Features(way)
    if weights is not None:
        network.load_state_dict(weights)
    pairs = torch.utils.data.TensorDataset(VALUES, (VALUES[:, 0] > 0).long())
    loader = torch.utils.data.DataLoader(pairs, 30)
    return network, evoframe.task(
        network=network, train=loader, validation=loader, loss=cross_entropy
    )


def begun(way: str, path) -> tuple[nn.Module, evoframe.Run]:
    network, ours = task(way, 1)
    settings = {"training": "none", "population": 2, "observer": []}
    return network, evoframe.evolve(ours, generations=2, out=path, **settings)


@pytest.mark.parametrize("way", WAYS)
def test_another_draw_is_refused_when_a_run_is_opened(way: str, tmp_path) -> None:
    network, run = begun(way, tmp_path / "run")
    delivered = run.network()(VALUES)
    weights = network.state_dict()
    same = evoframe.open_run(tmp_path / "run", task=task(way, 1, weights)[1])
    assert torch.equal(same.network()(VALUES), delivered)
    opened = evoframe.open_run(tmp_path / "run", task=task(way, 2, weights)[1])
    with pytest.raises(RunError) as caught:
        opened.network()
    name = {"inside": "a.directions", "in a list": "held[0]"}.get(way, "directions")
    assert f"was made with other values of {name!r}" in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_a_persistent_buffer_comes_from_the_genotype(tmp_path) -> None:
    _, run = begun("persistent", tmp_path / "run")
    opened = evoframe.open_run(tmp_path / "run", task=task("persistent", 2)[1])
    assert torch.equal(opened.network()(VALUES), run.network()(VALUES))
    assert "constants" not in read_record(RunFolder(tmp_path / "run"))[RECORD]


def test_last_bits_may_differ_and_what_a_pass_left_is_passed_over(tmp_path) -> None:
    network, run = begun("buffer", tmp_path / "run")
    other, ours = task("buffer", 1, network.state_dict())
    other.directions.mul_(1 + 1e-6)
    other.seen = torch.randn(3)
    opened = evoframe.open_run(tmp_path / "run", task=ours)
    assert torch.allclose(opened.network()(VALUES), run.network()(VALUES), atol=1e-4)


def test_what_older_norms_of_weights_leave_is_no_constant() -> None:
    assert marks_of(nn.Sequential(nn.utils.spectral_norm(nn.Linear(3, 3)))) == {}
