"""Metrics over a data set: right, with an honest error, and the same however they are asked."""

from __future__ import annotations

import copy
import itertools
import math
from pathlib import Path
from typing import Any

import attrs
import pytest
import torch
from hypothesis import given, settings, strategies as st
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812
from torch.utils.data import DataLoader, TensorDataset

import evoframe
from evoframe.errors import TaskError
from evoframe.kernel.individual import Measurement
from evoframe.plugin import Observer, hookimpl
from evoframe.roles.gathering import jackknife

CPU = torch.device("cpu")
LENGTHS = itertools.count(1)
"""Of sentences that are padded in each batch anew."""


def auc(scores: Tensor, targets: Tensor) -> Tensor:
    """The area under the curve of true over false positives."""
    scores = scores[:, 1] - scores[:, 0]
    yes, no = scores[targets == 1], scores[targets == 0]
    if not len(yes) or not len(no):
        raise ValueError("only one class")
    return (yes[:, None] > no).double().mean()


class F1:
    """As torchmetrics writes them, with a state of its own."""

    higher_is_better = True

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.hits = self.said = self.due = 0

    def update(self, scores: Tensor, targets: Tensor) -> None:
        said = scores.argmax(1)
        self.hits += int((said * targets).sum())
        self.said, self.due = self.said + int(said.sum()), self.due + int(targets.sum())

    def compute(self) -> Tensor:
        return torch.tensor(2 * self.hits / max(self.said + self.due, 1))


class Several(F1):
    """Gives more than one number, as mean average precisions do."""

    def compute(self) -> Any:
        return {"f1": super().compute(), "hits": torch.tensor([self.hits])}


def f1(scores: Tensor, targets: Tensor) -> float:
    held = F1()
    held.update(scores, targets)
    return float(held.compute())


def data(count: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    dice = torch.Generator().manual_seed(seed)
    targets = (torch.rand(count, generator=dice) < 0.4).long()
    values = torch.randn(count, 2, generator=dice)
    values[:, 1] += targets
    return values, targets


def measured(
    metrics: Any, count: int = 100, size: int = 16, seed: int = 0
) -> dict[str, Measurement]:
    """The metrics of a network that gives what it gets."""
    values, targets = data(count, seed)
    loader = DataLoader(TensorDataset(values, targets), size)
    network = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    for layer in network:
        nn.init.eye_(layer.weight)
        nn.init.zeros_(layer.bias)
    task = evoframe.task(
        network=network, train=loader, validation=loader, loss=F.cross_entropy, metrics=metrics
    )
    with torch.no_grad():
        return dict(task.evaluate(network, "validation", CPU))


@given(st.integers(2, 90), st.integers(1, 40))
@settings(max_examples=20)
def test_batches_make_no_difference_to_a_number(count: int, size: int) -> None:
    """A function of all of it, and an object that is updated, give what they give at once."""
    values, targets = data(count)
    found = measured({"f1": F1(), "same": evoframe.over_data_set(f1)}, count, size)
    assert found["f1"].value == pytest.approx(f1(values, targets))
    assert found["same"].value == pytest.approx(f1(values, targets))


def test_an_object_and_a_function_have_the_same_error() -> None:
    found = measured({"f1": F1(), "same": evoframe.over_data_set(f1)})
    assert found["f1"].error is not None
    assert found["f1"].error == pytest.approx(found["same"].error, rel=1e-5)


def test_of_a_mean_it_is_the_error_of_a_mean() -> None:
    def hits(scores: Tensor, targets: Tensor) -> Tensor:
        return (scores.argmax(1) == targets).float()

    whole = evoframe.over_data_set(lambda scores, targets: hits(scores, targets).mean())
    # One example a group: then the two are the same number.
    found = measured({"mean": hits, "whole": whole}, count=16)
    assert found["whole"].value == pytest.approx(found["mean"].value)
    assert found["whole"].error == pytest.approx(found["mean"].error)


@pytest.mark.parametrize("metric", [auc, f1])
@pytest.mark.parametrize("sort", [False, True])
def test_errors_are_as_large_as_numbers_spread(metric: Any, *, sort: bool) -> None:
    """Also over data that are sorted, as folders of classes are."""
    values, errors = [], []
    for seed in range(60):
        scores, targets = data(240, seed)
        order = targets.argsort() if sort else torch.arange(240)
        loader = DataLoader(TensorDataset(scores[order], targets[order]), 50)
        task = evoframe.task(
            network=nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2)),
            train=loader,
            validation=loader,
            loss=F.cross_entropy,
            forward=lambda _, batch: batch[0],
            example_inputs=(torch.zeros(1, 2),),
            metrics={"it": evoframe.over_data_set(metric)},
        )
        found = task.evaluate(task.network, "validation", CPU)["it"]
        values.append(found.value)
        errors.append(found.error)
    spread = float(torch.tensor(values).std())
    assert sum(errors) / len(errors) == pytest.approx(spread, rel=0.25)


def test_there_is_no_error_where_none_can_be_had() -> None:
    few = measured({"f1": F1()}, count=5)["f1"]
    unwanted = measured({"f1": evoframe.over_data_set(F1(), error=False)})["f1"]
    # A number of each batch as a whole, and not for the examples that a group leaves over.
    of_batches = measured(
        {"last": evoframe.over_data_set(lambda mean: mean[-1], of=lambda out, _: out.mean())}
    )["last"]
    alone = torch.zeros(100, dtype=torch.long)
    alone[3] = 1
    scores, _ = data(100)
    loader = DataLoader(TensorDataset(scores, alone), 16)
    one_of_a_kind = evoframe.task(
        network=nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2)),
        train=loader,
        validation=loader,
        loss=F.cross_entropy,
        metrics={"auc": evoframe.over_data_set(auc)},
    )
    only = one_of_a_kind.evaluate(one_of_a_kind.network, "validation", CPU)["auc"]

    assert [one.error for one in (few, unwanted, of_batches, only)] == [None] * 4
    assert all(math.isfinite(one.value) for one in (few, unwanted, of_batches, only))


def test_what_is_computed_of_a_batch_may_be_anything_and_is_joined() -> None:
    """A perplexity over words of sentences of several lengths, with an error by batches."""

    def of(outputs: Tensor, targets: Tensor) -> Tensor:
        losses = F.cross_entropy(outputs, targets, reduction="none")
        return losses.repeat_interleave(1 + targets)  # as many as there are words

    perplexity = evoframe.over_data_set(lambda losses: losses.mean().exp(), of=of)

    found = measured({"perplexity": (perplexity, "min")}, count=200)["perplexity"]

    values, targets = data(200)
    assert found.value == pytest.approx(float(of(values, targets).mean().exp()))
    assert found.error is not None


def test_one_of_several_numbers_is_chosen_by_name() -> None:
    chosen = evoframe.over_data_set(Several(), entry="hits")
    assert (
        measured({"hits": chosen})["hits"].value
        == measured({"it": evoframe.over_data_set(Several(), entry="hits")})["it"].value
    )
    with pytest.raises(TaskError, match="gave a dict with 'f1', 'hits'; wanted a number"):
        measured({"all": Several()})


def test_an_object_is_never_touched_and_what_draws_draws_the_same() -> None:
    class Drawing(F1):
        def compute(self) -> Tensor:
            return torch.rand(())

    held = Drawing()
    before = copy.deepcopy(vars(held))

    one, other = (measured({"it": held})["it"] for _ in range(2))

    assert one == other
    assert vars(held) == before


def test_the_direction_is_that_of_the_metric() -> None:
    class Worse(F1):
        higher_is_better = False

    values, targets = data(40)
    given = {
        "a": F1(),
        "b": Worse(),
        "c": (Worse(), "max"),
        "d": evoframe.over_data_set(Worse()),
        "e": (evoframe.over_data_set(f1), "min"),
    }
    task = evoframe.task(
        network=nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2)),
        train=(values, targets),
        validation=(values, targets),
        loss=F.cross_entropy,
        metrics=given,
    )
    assert [one.maximise for one in task.metrics] == [True, False, True, False, False]


@pytest.mark.parametrize(
    ("metric", "words"),
    [
        (F1, "is the class F1; wanted an object of it"),
        (3, "wanted a function of outputs and targets, an object"),
    ],
)
def test_what_is_no_metric_is_refused(metric: Any, words: str) -> None:
    with pytest.raises(TaskError, match=words):
        measured({"it": metric})
    with pytest.raises(TaskError, match=r"over_data_set\(\) was given"):
        evoframe.over_data_set(metric)


@pytest.mark.parametrize(
    ("metric", "words"),
    [
        (evoframe.over_data_set(lambda *_: "good"), "gave a str; wanted a number"),
        (evoframe.over_data_set(lambda _: 1.0), "raised TypeError"),
        (
            evoframe.over_data_set(
                lambda out: out.mean(), of=lambda out, _: torch.zeros(len(out), next(LENGTHS))
            ),
            "cannot be put one after another",
        ),
    ],
)
def test_mistakes_are_told_before_anything_is_written(metric: Any, words: str, tmp_path) -> None:
    values, targets = data(40, 3)
    task = evoframe.task(
        network=nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2)),
        train=(values, targets),
        validation=(values, targets),
        batch_size=4,
        loss=F.cross_entropy,
        metrics={"it": metric},
    )
    with pytest.raises(TaskError, match=words):
        evoframe.evolve(task, out=tmp_path / "run", generations=1)
    assert not (tmp_path / "run").exists()


def test_unequal_groups_weigh_what_they_hold() -> None:
    """Of a mean without error, any groups give the same: that of the mean of their values."""
    groups = [
        torch.randn(size, generator=torch.Generator().manual_seed(size)) for size in (3, 5, 9)
    ]
    everything = torch.cat(groups)
    left = [float(torch.cat([g for g in groups if g is not one]).mean()) for one in groups]
    found = jackknife(float(everything.mean()), left, [len(one) for one in groups])
    middle = float(everything.mean())
    due = sum(
        (float(one.mean()) - middle) ** 2 * len(one) / (len(everything) - len(one))
        for one in groups
    ) / len(groups)
    assert found == pytest.approx(math.sqrt(due))


TASK = """
import attrs, torch
from torch import nn
from evoframe.plugin import Metric, Task, over_data_set

def auc(scores, targets):
    scores = scores[:, 1] - scores[:, 0]
    return (scores[targets == 1][:, None] > scores[targets == 0]).double().mean()

AUC = over_data_set(auc)

@attrs.frozen
class Mine(Task):
    name = "mine"
    traits = frozenset({"trained"})

    @property
    def metrics(self):
        return (Metric("auc"),)

    def ancestor(self, key):
        return nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 2))

    def example_inputs(self):
        return {"input": torch.zeros(1, 6)}

    def batches(self, split, *, shuffle=None, batch_size=None):
        values = torch.arange(600.0).reshape(100, 6).sin()
        return list(zip(values.split(25), (values[:, 0] > 0).long().split(25)))

    def step(self, network, batch):
        return nn.functional.cross_entropy(network(batch[0]), batch[1])

    def measure(self, network, batch):
        return {"auc": AUC(network(batch[0]), batch[1])}
"""


@attrs.frozen(eq=False)
class Interrupts(Observer):
    """Stops a run in its second generation."""

    name = "interrupts"

    @hookimpl
    def evoframe_individual_evaluated(self, event: Any) -> None:
        if event.individual.id == "g2s0":
            raise KeyboardInterrupt


@pytest.mark.slow
def test_other_processes_and_resumed_runs_measure_the_same(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(TASK, "utf-8")
    said = {"generations": 3, "options": ["training.epochs=1"]}
    name = f"{tmp_path / 'mine.py'}:Mine"

    one = evoframe.evolve(name, out=tmp_path / "one", observer=[], **said)
    other = evoframe.evolve(name, out=tmp_path / "other", executor="processes", **said)
    with pytest.raises(KeyboardInterrupt):
        evoframe.evolve(name, out=tmp_path / "third", observer=[Interrupts()], **said)
    resumed = evoframe.resume(tmp_path / "third", observer=[])

    runs = [[each.fitness for each in run.individuals] for run in (one, other, resumed)]
    assert runs[0] == runs[1] == runs[2]
    assert one.best.fitness.validation["auc"].error is not None
    again = one.recipe.task.evaluate(one.network(), "validation", CPU)
    assert again["auc"] == one.best.fitness.validation["auc"]
