"""Hearing: who answers the same to everything cannot live, however well the answer fits."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from hypothesis import given, strategies as st
from torch import nn
from torch.nn import functional as F  # noqa: N812

import evoframe
from evoframe.evolution.hearing import Listener
from evoframe.plugin import Retention


class OneToken(nn.Module):
    """Reads one token, which is told of the others by a mixture, as a transformer's is."""

    def __init__(self, scale: float) -> None:
        super().__init__()
        self.token = nn.Parameter(torch.randn(1, 1, 8))
        self.embed, self.mix = nn.Linear(4, 8), nn.Linear(8, 8)
        self.middle, self.head = nn.Linear(8, 12), nn.Linear(12, 2)
        with torch.no_grad():
            self.mix.weight.mul_(scale)

    def forward(self, x):
        x = torch.cat([self.token.expand(len(x), 1, 8), self.embed(x)[:, None]], 1)
        return self.head(self.middle(x[:, 0] + self.mix(x.mean(1))).relu())


def accuracy(outputs, targets):
    return (outputs.argmax(1) == targets).float()


def evolved(out: Path, scale: float, **choices) -> tuple[evoframe.Run, torch.Tensor]:
    """Return a run in which the mixture leaves, and inputs; nine in ten are of one class."""
    torch.manual_seed(0)
    network, inputs = OneToken(scale), torch.randn(120, 4)
    network.head.bias.data[0] += 5  # which it always says
    labels = (torch.arange(120) % 10 == 0).long()
    task = evoframe.task(
        network=network,
        train=(inputs[60:], labels[60:]),
        validation=(inputs[:60], labels[:60]),
        loss=F.cross_entropy,
        metrics={"accuracy": accuracy},
    )
    run = evoframe.evolve(
        task,
        out=out,
        encoding="magnitude",
        environment=Retention(retention=0.4),
        training="none",
        generations=2,
        **choices,
    )
    return run, inputs


def test_a_constant_is_stillborn_though_its_metric_is_as_good_as_the_ancestors(
    tmp_path: Path,
) -> None:
    """It costs least and loses nothing, so that ``max_drop`` would deliver it."""
    run, inputs = evolved(tmp_path / "run", 1e-3, max_drop=1.0)

    reason = "deaf: its outputs are the same for all examples"
    assert [one.stillborn for one in run.individuals] == ["", reason]
    assert reason in str(run.ending)
    assert any("1 were stillborn (1 deaf)" in one and "scope" in one for one in run.remarks)
    with torch.no_grad():
        outputs = run.network()(inputs)
    assert not torch.equal(outputs, outputs[:1].expand_as(outputs))


def test_of_a_deaf_ancestor_nobody_is_expected_to_hear(tmp_path: Path) -> None:
    """But it is told, as no figure of the run says anything."""
    run, _ = evolved(tmp_path / "run", 0.0)

    assert all(one.is_alive for one in run.individuals)
    assert any("the ancestor answers the same to all examples" in one for one in run.remarks)


class Says(nn.Module):
    """Answers with whatever it is given."""

    def forward(self, answer):
        return answer


def heard(*answers) -> bool:
    network = Says()
    with Listener(network) as listener:
        for one in answers:
            network(one)
    network(torch.randn(3, 3))  # nobody listens any more
    return listener.is_deaf


@given(
    st.lists(st.integers(1, 5), min_size=1, max_size=4),
    st.sampled_from([torch.float64, torch.float32, torch.bfloat16, torch.int64]),
    st.data(),
)
def test_one_example_that_is_answered_otherwise_is_enough(sizes, kind, data) -> None:
    """In whichever batch, and of whatever several outputs; a loss without axes does not count."""
    row = (100 * torch.randn(1, 2, 3)).to(kind)
    batches = [
        {"loss": torch.rand(()), "scores": [row.repeat(size, 1, 1), row[:, 0].repeat(size, 1)]}
        for size in sizes
    ]
    assert heard(*batches) == (sum(sizes) > 1)

    if sum(sizes) > 1:
        at = data.draw(st.integers(0, len(sizes) - 1))
        other = batches[at]["scores"][data.draw(st.integers(0, 1))]
        other[data.draw(st.integers(0, len(other) - 1))] += 64
        assert not heard(*batches)


@pytest.mark.parametrize(
    "answers",
    [
        ["a text"] * 2,
        [torch.zeros(2, 3), torch.zeros(2, 4)],
        [torch.full((3, 2), torch.nan)],
        [torch.eye(3).to_sparse()],
        [torch.zeros(())] * 3,
    ],
)
def test_whom_it_cannot_tell_of_is_not_called_deaf(answers) -> None:
    """As where answers are no tensors, or of other shapes from call to call."""
    assert not heard(*answers)


def test_what_rounding_makes_of_the_same_is_the_same() -> None:
    """Rows of a batch may be computed by other instructions, and differ in their last bits."""
    row = torch.rand(1, 5) + 1
    assert heard(torch.cat([row, row * (1 + torch.finfo(torch.float32).eps), row]))
