"""Hearing: who answers the same to everything cannot live, however well the answer fits."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import attrs
import pytest
import torch
from hypothesis import given, strategies as st
from torch import nn
from torch.nn import functional as F  # noqa: N812

import evoframe
from evoframe.evolution.hearing import Heard, Listener
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


class Besides(OneToken):
    """Gives its input, a class and a number that is fixed beside what it reads from one token."""

    def forward(self, x):
        said = super().forward(x)
        fixed = x.new_ones(len(x), 1)
        return {"said": said, "raw": [x, said.argmax(1)], "fixed": fixed}


def task_of(network: OneToken, metric=accuracy) -> tuple[evoframe.Strategy, torch.Tensor]:
    """Return a task and its inputs; nine in ten are of one class, which the network always says."""
    inputs, labels = torch.randn(120, 4), (torch.arange(120) % 10 == 0).long()
    network.head.bias.data[0] += 5
    task = evoframe.task(
        network=network,
        train=(inputs[60:], labels[60:]),
        validation=(inputs[:60], labels[:60]),
        loss=lambda outputs, targets: F.cross_entropy(_said(outputs), targets),
        metrics={"accuracy": lambda outputs, targets: metric(_said(outputs), targets)},
    )
    return task, inputs


def _said(outputs):
    return outputs["said"] if isinstance(outputs, dict) else outputs


PRESSED = {"encoding": "magnitude", "environment": Retention(retention=0.4), "generations": 2}
"""Under which the mixture leaves, if it is small."""


def evolved(
    out: Path, scale: float, kind: type[OneToken] = OneToken, **choices
) -> tuple[evoframe.Run, torch.Tensor]:
    """Return a run in which the mixture leaves, and its inputs."""
    torch.manual_seed(0)
    task, inputs = task_of(kind(scale))
    return evoframe.evolve(task, out=out, training="none", **PRESSED, **choices), inputs


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


def test_one_of_several_outputs_that_hears_no_more_is_named(tmp_path: Path) -> None:
    """Whatever else hears on; what the ancestor itself answers alike counts for nothing."""
    run, _ = evolved(tmp_path / "run", 1e-3, Besides)

    (reason,) = (one.stillborn for one in run.individuals if not one.is_alive)
    assert reason == "deaf: its output said is the same for all examples"

    run, _ = evolved(tmp_path / "other", 1.0, Besides)
    assert all(one.is_alive for one in run.individuals)


@pytest.mark.parametrize("told", [{"accuracy": 0.9}, None])
def test_who_is_measured_elsewhere_is_listened_to_as_well(tmp_path: Path, told) -> None:
    torch.manual_seed(0)
    task, _ = task_of(OneToken(1e-3))
    with evoframe.ask_tell(task, out=tmp_path / "run", **PRESSED) as session:
        for asked in session:
            session.tell(asked.id, asked.network, told)
    reason = "deaf: its outputs are the same for all examples"
    assert [one.stillborn for one in session.run.individuals] == ["", reason]


@pytest.mark.parametrize("told", [{"accuracy": 0.9}, None])
def test_of_a_deaf_ancestor_that_is_trained_elsewhere_it_is_told(tmp_path: Path, told) -> None:
    torch.manual_seed(0)
    task, _ = task_of(OneToken(0.0))
    task = attrs.evolve(task, trained=False)
    with evoframe.ask_tell(task, out=tmp_path / "run", **PRESSED) as session:
        for asked in session:
            assert session.tell(asked.id, asked.network, told)
    assert any("the ancestor answers the same to all" in one for one in session.run.remarks)


def test_where_nobody_can_be_listened_to_elsewhere_nobody_is_deaf(tmp_path: Path) -> None:
    """As where metrics need what only the other program has."""
    torch.manual_seed(0)
    there = [True]

    def metric(outputs, targets):
        if not there:
            raise OSError("no such server")
        return accuracy(outputs, targets)

    task, _ = task_of(OneToken(1e-3), metric)
    with evoframe.ask_tell(task, out=tmp_path / "run", **PRESSED) as session:
        there.clear()
        for asked in session:
            assert session.tell(asked.id, asked.network, {"accuracy": 0.9})


class Says(nn.Module):
    """Answers with whatever it is given."""

    def forward(self, answer):
        return answer


def listened(*answers) -> Heard:
    network = Says()
    with Listener(network) as listener:
        for one in answers:
            network(one)
    network(torch.randn(3, 3))  # nobody listens any more
    return listener.heard


def heard(*answers) -> bool:
    return listened(*answers).is_deaf


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


@dataclasses.dataclass
class Scored:
    boxes: torch.Tensor
    scores: list[torch.Tensor]


@pytest.mark.parametrize("calls", [1, 3])
@pytest.mark.parametrize(
    ("build", "names"),
    [
        (lambda same, other, whole: (same, other, whole), ("0", "1")),
        (lambda same, other, whole: {"a": other, "b": [whole, same]}, ("b.1", "a")),
        (lambda same, other, whole: Scored(same, [other, whole]), ("boxes", "scores.0")),
    ],
)
def test_each_of_several_outputs_is_listened_to(calls, build, names) -> None:
    """Classes beside numbers do not count, as the right one may be the same for all examples."""
    same, whole = torch.rand(1, 3).repeat(4, 1), torch.ones(4, dtype=torch.int64)
    found = listened(*(build(same, torch.rand(4, 2), whole) for _ in range(calls)))

    assert found == Heard(frozenset(names[:1]), frozenset(names[1:]))
    assert not found.is_deaf
    assert found.lost(Heard(other=frozenset(names))) == f"output {names[0]} is"
    assert not found.lost(found)


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
