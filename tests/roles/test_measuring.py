"""Each example counts once, and what is measured is a number: else it is refused by name."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import evoframe
from evoframe.errors import TaskError
from evoframe.kernel.individual import COSTS
from evoframe.roles.measuring import checked, examples_in, require_names

CPU = torch.device("cpu")
N, T = 5, 7


@pytest.mark.parametrize(
    ("batch", "size"),
    [
        ((torch.zeros(T, N, 3), torch.zeros(N)), N),
        ((torch.zeros(N, 3), torch.zeros(N, 8, 8)), N),
        ((torch.zeros(N, 3), [{"boxes": torch.zeros(2, 4)}] * N), N),
        ((torch.zeros(N, 3), ["cat"] * N), N),
        ((torch.zeros(N, 3), (torch.zeros(N), torch.zeros(N, 2))), N),
        ((torch.zeros(N, 3), np.zeros(N)), N),
        ({"x": torch.zeros(N, 3), "y": torch.zeros(N)}, N),
        ((torch.zeros(N, 3), torch.zeros(N), torch.zeros(N)), N),
        ((), 0),
        (torch.zeros(T, N, 3), None),
        ({"x": torch.zeros(T, N, 3), "y": torch.zeros(N)}, None),
        ((torch.zeros(T, N, 3), torch.zeros(N), torch.zeros(T, N)), None),
        ((torch.zeros(N, 3), torch.tensor(1.0)), None),
        ((torch.zeros(T, N, 3), (torch.zeros(T, N), torch.zeros(N))), None),
    ],
)
def test_examples_are_counted_by_targets_or_not_at_all(batch, size) -> None:
    """The first axis of inputs may be time, and a wrong weight is a wrong mean."""
    assert examples_in(batch) == size


def stacked(pairs):
    return torch.stack([x for x, _ in pairs], 1), torch.stack([y for _, y in pairs])


def all_stacked(pairs):
    return tuple(torch.stack(part, 1) for part in zip(*pairs, strict=True))


def ones(outputs, targets):
    return targets.float().mean()


class OverTime(nn.Module):
    """Takes (time, batch, 6)."""

    def __init__(self, *, steps: bool = False) -> None:
        super().__init__()
        self.a, self.b, self.steps = nn.Linear(6, 8), nn.Linear(8, 2), steps

    def forward(self, x):
        found = self.b(self.a(x).relu())
        return found.movedim(2, 1) if self.steps else found.mean(0)


def sequences(targets, size=20, collate=stacked, *, steps=False, **more):
    data = TensorDataset(torch.randn(len(targets), T, 6), targets)
    loader = DataLoader(data, size, collate_fn=collate)
    return evoframe.task(
        network=OverTime(steps=steps),
        train=loader,
        validation=loader,
        loss=nn.functional.cross_entropy,
        metrics={"ones": ones},
        evolvable=("a.weight",),
        **more,
    )


@given(st.integers(2, 45), st.integers(1, 20))
def test_a_mean_over_sequences_counts_each_once(count, size) -> None:
    """Whatever the size of batches, and whatever the last of them holds."""
    targets = torch.arange(count) % 2
    task = sequences(targets, size)

    found = task.evaluate(task.network, "validation", CPU)["ones"].value

    assert found == pytest.approx(float(targets.float().mean()))


def test_targets_with_time_first_are_refused_until_it_is_told(tmp_path) -> None:
    """Their length is no number of examples: the loader makes batches of twenty."""
    targets = (torch.arange(41 * T).reshape(41, T) % 3 == 0).long()
    given = {"targets": targets, "collate": all_stacked, "steps": True}
    task = sequences(**given)
    with pytest.raises(TaskError, match=r"metric 'ones' .* is unknown"):
        evoframe.evolve(task, out=tmp_path / "run", generations=1)
    assert not (tmp_path / "run").exists()

    told = sequences(**given, examples=lambda _, targets: targets.shape[1])
    run = evoframe.evolve(told, out=tmp_path / "run", generations=1)

    right = pytest.approx(float(targets.float().mean()))
    assert run.ancestor.fitness.value("ones") == right


def test_as_many_steps_as_examples_are_told_apart_by_the_last_batch() -> None:
    """A batch of seven with seven steps fits; that all of them hold more than there are, not."""
    targets = (torch.arange(9 * T).reshape(9, T) % 3 == 0).long()
    task = sequences(targets, T, all_stacked, steps=True)

    with pytest.raises(TaskError, match="14 targets for 9 examples"):
        task.evaluate(task.network, "validation", CPU)


@pytest.mark.parametrize(
    "value", [1, 0.5, True, np.float32(0.5), torch.tensor(0.5), torch.tensor(1), np.array(0.5)]
)
def test_means_of_a_batch_are_numbers_of_any_kind(value) -> None:
    """Python's, NumPy's, torch's."""
    assert float(checked({"m": value}, N, "t")["m"]) == pytest.approx(float(value))


@pytest.mark.parametrize(
    "value",
    [
        None, "0.5", b"1", {"a": 1}, {1}, lambda: 1, torch.tensor(1j), np.array(["a"]), object(),
        torch.zeros(N, 2), torch.zeros(1), [[1], [2, 3]], torch.zeros((), device="meta"),
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_what_is_no_number_is_refused_in_one_line(value) -> None:
    """It says which metric, and what was found."""
    with pytest.raises(TaskError) as caught:
        checked({"m": value}, N, "t")

    assert "metric 'm' of task 't'" in str(caught.value)
    assert "\n" not in str(caught.value)
    with pytest.raises(TaskError, match=r"measure\(\) of task 't' gave"):
        checked(value if not isinstance(value, dict) else 3, N, "t")


@pytest.mark.parametrize("name", COSTS)
def test_names_of_costs_are_refused(name) -> None:
    """`--until parameters=4x` would look at the metric."""
    with pytest.raises(TaskError, match=f"{name!r}, which is the name of a cost"):
        sequences_named({name: ones})


@pytest.mark.parametrize("names", [["a", "a"], [3], ["a", "test_a"]])
def test_names_that_mean_two_things_are_refused(names) -> None:
    """Also in what `show --json` calls the test split."""
    with pytest.raises(TaskError):
        require_names(names, "t")


def sequences_named(metrics):
    loader = DataLoader(TensorDataset(torch.randn(8, 6), torch.arange(8) % 2), 4)
    net = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 2))
    return evoframe.task(
        network=net,
        train=loader,
        validation=loader,
        loss=nn.functional.cross_entropy,
        metrics=metrics,
    )


@pytest.mark.parametrize(
    "name",
    ["seconds", "event", "self", "individual", "level", "value", "a b", "é", "[bold]", "", "loss"],
)
def test_any_other_name_will_do(name, tmp_path) -> None:
    """Logs and records have words of their own, which are nobody's business."""
    run = evoframe.evolve(
        sequences_named({name: ones}), out=tmp_path / "run", generations=2, training="none"
    )

    assert math.isfinite(run.best.fitness.value(name))
    assert name in run.as_json()["individuals"][0]["metrics"]
