"""Networks that give numbers in training and classes in evaluation, as deployed ones often do."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, TensorDataset

import evoframe
from evoframe.errors import ConfigError, EvoframeError

INPUTS = torch.randn(120, 8, generator=torch.Generator().manual_seed(0))
DATA = TensorDataset(INPUTS, INPUTS[:, :3].argmax(1))


class Scores(nn.Module):
    """A network that always gives scores."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layers = nn.Sequential(
            nn.Linear(8, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 16), nn.ReLU(),
            nn.Linear(16, 3),
        )  # fmt: skip

    def forward(self, x):
        return self.layers(x)


class Classes(Scores):
    """The same, which gives classes in evaluation."""

    def forward(self, x):
        return self.layers(x) if self.training else self.layers(x).argmax(1)


def accuracy(outputs, targets):
    return ((outputs.argmax(1) if outputs.ndim > 1 else outputs) == targets).float()


def evolved(kind: type[Scores], out, **choices) -> evoframe.Run:
    loader = DataLoader(DATA, 40)
    task = evoframe.task(
        network=kind(), train=loader, validation=loader, loss=cross_entropy,
        metrics={"accuracy": accuracy},
    )  # fmt: skip
    settings = {"generations": 2, "encoding": "cluster", "environment": "budget", "device": "cpu"}
    return evoframe.evolve(task, out=out, **settings, **choices)


@pytest.mark.parametrize(
    "choices",
    [
        {"training": "none"},
        {"training": "none", "options": ["encoding.of=bundle", "encoding.importance=activation"]},
        {"nurture": ["repair"], "options": ["training.epochs=1"]},
        {
            "training": "none",
            "litter": "fittest",
            "options": ["litter.size=3", "litter.judge=metric"],
        },
    ],
    ids=["statistics", "activation", "repair", "metric"],
)
def test_what_takes_forward_passes_alone_needs_no_loss(choices, tmp_path) -> None:
    """All of it is the same, bit for bit, as if the network gave its scores in evaluation too."""
    found = [evolved(kind, tmp_path / kind.__name__, **choices) for kind in (Scores, Classes)]

    scores, classes = (run.network("g2s0").state_dict() for run in found)
    assert scores.keys() == classes.keys()
    for name, value in scores.items():
        if "batches_tracked" not in name:
            assert torch.equal(value, classes[name])


@pytest.mark.parametrize("options", [{"statistics": 2}, {"repair": 2}])
def test_shrink_needs_none_for_them_either(options) -> None:
    def cut(kind):
        limits = {"parameters": "2x", "importance": "magnitude"}
        loader = DataLoader(DATA, 40)
        return evoframe.shrink(kind(), data=loader, loss=cross_entropy, **limits, **options)

    for one, other in zip(cut(Scores).parameters(), cut(Classes).parameters(), strict=True):
        assert torch.equal(one, other)


def test_where_a_loss_is_needed_the_remedy_fits(tmp_path) -> None:
    loader = DataLoader(DATA, 40)
    with pytest.raises(ConfigError, match="importance='magnitude' asks for neither"):
        evoframe.shrink(Classes(), data=loader, loss=cross_entropy, parameters="2x")
    choices = {"training": "none", "litter": "fittest"}
    with pytest.raises(EvoframeError, match=r"Try judge = 'loss' or 'metric'"):
        evolved(Classes, tmp_path / "run", options=["litter.judge=divergence"], **choices)


def test_a_forward_pass_that_fails_by_itself_is_told_as_such() -> None:
    """And not what its metrics say then; whoever repairs needs no importance."""

    class Fails(Scores):
        def forward(self, x):
            if len(x) > 1 and not self.training:
                raise OSError("no such table")
            return super().forward(x)

    limits = {"parameters": "2x", "importance": "magnitude", "repair": 2}
    with pytest.raises(ConfigError, match=r"OSError: no such table\. .* repair=0 and stat"):
        evoframe.shrink(Fails(), data=DataLoader(DATA, 40), loss=cross_entropy, **limits)
