"""Exports of networks with states, layouts and attributes of their own are rebuilt as they were."""

from __future__ import annotations

import pytest
import torch
from safetensors.torch import load_file
from torch import nn
from torch.nn.functional import cross_entropy, relu

import evoframe
from evoframe.errors import ExportError

VALUES = torch.arange(360.0).reshape(60, 6).sin()


class Renamed(nn.Sequential):
    def state_dict(self, *args, **kwargs):
        return {f"model.{name}": one for name, one in super().state_dict(*args, **kwargs).items()}

    def get_extra_state(self):
        return {"epoch": 3}

    def set_extra_state(self, given):
        pass


def renamed() -> nn.Module:
    return Renamed(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 8), nn.ReLU(), nn.Linear(8, 2))


def normed() -> nn.Module:
    middle = nn.utils.parametrizations.weight_norm(nn.Linear(16, 8))
    return nn.Sequential(
        nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 16), nn.ReLU(), middle, nn.ReLU(),
        nn.Linear(8, 2),
    )  # fmt: skip


def in_channels_last() -> nn.Module:
    network = nn.Sequential(
        nn.Unflatten(1, (6, 1, 1)), nn.Conv2d(6, 16, 1), nn.ReLU(), nn.Conv2d(16, 8, 1),
        nn.Flatten(), nn.Linear(8, 2),
    )  # fmt: skip
    return network.to(memory_format=torch.channels_last)


class Features(nn.Module):
    def __init__(self, seed: int) -> None:
        super().__init__()
        self.a, self.b, self.head = nn.Linear(8, 16), nn.Linear(16, 16), nn.Linear(16, 2)
        self.directions = torch.randn(6, 8, generator=torch.Generator().manual_seed(seed))
        self.register_buffer("shift", torch.randn(8), persistent=False)

    def forward(self, x):
        return self.head(relu(self.b(relu(self.a((x @ self.directions).cos() + self.shift)))))


def exported(network: nn.Module, place) -> evoframe.Run:
    pairs = torch.utils.data.TensorDataset(VALUES, (VALUES[:, 0] > 0).long())
    loader = torch.utils.data.DataLoader(pairs, 30)
    task = evoframe.task(network=network, train=loader, validation=loader, loss=cross_entropy)
    settings = {"training": "none", "generations": 2, "encoding": "cluster", "observer": []}
    run = evoframe.evolve(task, out=place / "run", **settings)
    run.export(place / "out")
    return run


@pytest.mark.parametrize("make", [renamed, normed, in_channels_last, lambda: Features(1)])
def test_it_is_rebuilt_as_it_was(make, tmp_path) -> None:
    torch.manual_seed(0)
    run = exported(make(), tmp_path)
    loaded, due = evoframe.load(tmp_path / "out", make), run.network()
    assert torch.equal(loaded(VALUES), due(VALUES))
    for one, other in zip(loaded.parameters(), due.parameters(), strict=True):
        assert one.stride() == other.stride()


@pytest.mark.parametrize("make", [renamed, normed, lambda: Features(1)])
def test_the_file_holds_what_bytes_counts_and_the_buffers_that_are_not_saved(
    make, tmp_path
) -> None:
    torch.manual_seed(0)
    run = exported(make(), tmp_path)
    held = load_file(tmp_path / "out" / "weights.safetensors")
    shift = held.pop("shift", None)

    assert run.best.fitness.costs["bytes"] == sum(one.nbytes for one in held.values())
    assert (shift is not None) == isinstance(run.network(), Features)


def test_another_draw_of_an_attribute_is_refused(tmp_path) -> None:
    exported(Features(1), tmp_path)
    with pytest.raises(ExportError, match="answers otherwise"):
        evoframe.load(tmp_path / "out", lambda: Features(2))


def test_a_lazy_factory_is_refused(tmp_path) -> None:
    exported(renamed(), tmp_path)
    with pytest.raises(ExportError, match=r"^the factory's '0\.weight' is uninitialised"):
        evoframe.load(tmp_path / "out", lambda: nn.Sequential(nn.LazyLinear(16), nn.Linear(16, 2)))
