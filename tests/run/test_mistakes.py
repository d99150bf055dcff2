"""Mistakes in tasks, calls and recipes cost a second, say what is wrong, and write nothing."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.utils.data import BatchSampler, DataLoader, RandomSampler, TensorDataset, default_collate

import evoframe
from evoframe.config.recipe import RunOptions
from evoframe.errors import ConfigError, EvoframeError, TaskError
from evoframe.kernel.individual import Fitness, Individual, Measurement, Metric, Origin
from evoframe.run.disk.database import _copied
from evoframe.run.disk.journal import Journal
from evoframe.run.rules import pick, stop_reason
from evoframe.strategies.encoding import Cluster, Inherited, Magnitude

SUPPORT = Path(__file__).parents[1] / "support" / "blobs.py"
BLOBS = f"{SUPPORT}:Blobs"

TASKS = {
    "no metric": ("metrics = ()", "has no metric"),
    "a metric that is not measured": (
        'metrics = (Metric("f1"),)',
        "names the metric 'f1', but measure() gave accuracy, loss",
    ),
    "a loss for each example": (
        "def step(self, network, batch): return network(batch[0]).sum(1)",
        "wanted a scalar tensor with a gradient",
    ),
    "a loss without a gradient": (
        "def step(self, network, batch): return network(batch[0]).sum().detach()",
        "wanted a scalar tensor with a gradient",
    ),
    "a loss that is no tensor": ("def step(self, network, batch): return 0.5", "gave 0.5; wanted"),
    "a step that raises": (
        "def step(self, network, batch): raise KeyError('label')",
        "step(network, batch) of task 'broken' raised KeyError: 'label'",
    ),
    "no network": ("def ancestor(self, key): return None", "gave None; wanted a module"),
    "no batches": (
        "def batches(self, split, **_): return []",
        "has no train batch; wanted at least one example to learn from",
    ),
    "an ancestor that is not there": (
        "def ancestor(self, key): return open('/nowhere/weights.pt')",
        "ancestor() of task 'broken' raised FileNotFoundError",
    ),
    "data that are not there": (
        "def batches(self, split, **_): raise FileNotFoundError('images.zip')",
        "batches('train') of task 'broken' raised FileNotFoundError: images.zip",
    ),
    "wrong example inputs": (
        "def example_inputs(self): return (torch.zeros(1, 7),)",
        "cannot run on its example inputs",
    ),
}


@pytest.mark.parametrize("flaw", TASKS)
def test_a_broken_task_is_refused_before_anything_is_written(flaw: str, tmp_path: Path) -> None:
    """Trying the task once costs less than a night of training in vain."""
    body, message = TASKS[flaw]
    file = tmp_path / "broken.py"
    file.write_text(
        SUPPORT.read_text()
        + "\n\n@attrs.frozen\nclass Broken(Blobs):\n    'Broken.'\n    name = 'broken'\n    "
        + f"{body}\n"
    )

    with pytest.raises(TaskError) as caught:
        evoframe.evolve(f"{file}:Broken", out=tmp_path / "run", generations=2)

    assert message in str(caught.value)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ({"heredity": "asexual", "options": ["heredity.weights=rewind"]}, "already trained"),
        ({"executor": "processes"}, "file.py:Name"),
        ({"training": "fit"}, "defines no"),
        (
            {"encoding": "magnitude", "options": ["environment.mode=hard-cap"]},
            "only ranks synapses. Use mode = 'calibrated'",
        ),
        ({"options": ["training.batch_size=7"]}, "makes batches of 20"),
    ],
)
def test_strategies_that_do_not_fit_the_task_are_refused_first(choices, message, tmp_path) -> None:
    """Each role may look at the task before anything is written."""
    with pytest.raises(EvoframeError) as caught:
        evoframe.evolve(a_task(), out=tmp_path / "run", generations=2, **choices)

    assert message in str(caught.value)
    assert not (tmp_path / "run").exists()


def once(outputs, targets):
    """Return a loss whose gradient has none."""
    said = outputs[:, None].log_softmax(-1)
    due = torch.ones(1, 1, dtype=torch.int64)
    return nn.functional.ctc_loss(said, due, torch.tensor([len(said)]), torch.tensor([1]))


@pytest.mark.parametrize("wrapped", [False, True])
@pytest.mark.parametrize(
    ("importance", "message"),
    [
        ("batch-norm", "'batch-norm' says nothing of any bundle of this network"),
        (
            "hessian-vector",
            "computed for this network, its loss and its data: RuntimeError",
        ),
        ("fisher", "examples are asked for one by one"),
    ],
)
def test_what_an_importance_cannot_tell_is_told_first(
    importance, message, wrapped, tmp_path
) -> None:
    """And not when the first offspring is born, when the ancestor was trained for hours."""
    data = TensorDataset(torch.randn(40, 4), torch.arange(40) % 2)
    whole = DataLoader(data, batch_size=20, collate_fn=lambda some: default_collate(some))  # noqa: PLW0108
    task = a_task(loss=once, train=whole)
    encoding = Cluster(of="bundle", importance=importance)
    with pytest.raises(EvoframeError) as caught:
        evoframe.evolve(
            task,
            out=tmp_path / "run",
            encoding=Inherited((Magnitude(), encoding)) if wrapped else encoding,
            generations=2,
        )

    assert message in str(caught.value)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"loss": nn.CrossEntropyLoss}, "as in loss=CrossEntropyLoss()"),
        (
            {"loss": lambda targets, outputs: nn.functional.cross_entropy(outputs, targets)},
            "outputs and targets in this order and was given float32 of (20, 2) and int64 of (20,)",
        ),
        (
            {"metrics": {"accuracy": lambda t, o: (o.argmax(1) == t).float()}},
            "It came of the metric 'accuracy', which takes outputs and targets in this order",
        ),
        ({"metrics": len}, 'wanted functions by name, as in {"accuracy": '),
        (
            {"example_inputs": (torch.zeros(1, 4).double(),)},
            "They are float64 of (1, 4), and its weights are float32",
        ),
    ],
)
def test_a_mistake_of_the_first_day_is_told_with_what_was_given(changes, message, tmp_path) -> None:
    """A message of torch alone does not say which argument it is about."""
    with pytest.raises(TaskError) as caught:
        evoframe.evolve(a_task(**changes), out=tmp_path / "run", generations=2)

    assert message in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_a_network_is_no_task_and_options_are_a_list() -> None:
    """Both are what somebody tries first."""
    with pytest.raises(ConfigError, match=r"the task is the network Linear; wanted a task around"):
        evoframe.evolve(nn.Linear(4, 2))
    with pytest.raises(ConfigError, match="wanted a list of texts"):
        evoframe.evolve(a_task(), options={"training.epochs": 1})


def a_task(**changes):
    data = TensorDataset(torch.randn(40, 4), torch.arange(40) % 2)
    network = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 2))
    given = {
        "network": network,
        "train": DataLoader(data, batch_size=20),
        "validation": DataLoader(data, batch_size=40),
        "loss": nn.functional.cross_entropy,
        **changes,
    }
    return evoframe.task(**given)


@pytest.mark.parametrize(
    "wrong",
    [
        {"network": "resnet"},
        {"train": [(1, 2)]},
        {"validation": None},
        {"loss": "ce"},
        {"metrics": ["accuracy"]},
        {"metrics": {"accuracy": ("max",)}},
        {"example_inputs": torch.zeros(1, 4)},
        {"evolvable": "0.weight"},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
def test_a_task_made_of_wrong_things_is_refused(wrong) -> None:
    """The message names the argument and what it should be."""
    with pytest.raises(TaskError):
        a_task(**wrong)


def test_calls_are_forgiving_where_the_meaning_is_clear_and_strict_where_not(tmp_path) -> None:
    """A strategy class means its defaults; a text where a list belongs means a mistake."""
    run = evoframe.evolve(
        BLOBS, out=tmp_path / "run", encoding=Magnitude, mutation=None, generations=2
    )

    assert run.recipe.encoding == Magnitude()
    for wrong in (
        {"options": "training.epochs=1"},
        {"recipe": ["demo"]},
        {"recipe": {"run": 3}},
        {"environment": ["retention", Magnitude()]},
    ):
        with pytest.raises(ConfigError):
            evoframe.evolve(BLOBS, out=tmp_path / "other", **wrong)
    assert not (tmp_path / "other").exists()


def test_a_sampler_inside_a_batch_sampler_is_seeded_too(tmp_path) -> None:
    """However deep a loader hides its generator, a run depends on its seed alone."""
    data = TensorDataset(torch.randn(40, 4), torch.arange(40) % 2)
    sampler = RandomSampler(data, generator=torch.Generator().manual_seed(1))
    loader = DataLoader(data, batch_sampler=BatchSampler(sampler, 10, drop_last=False))
    torch.manual_seed(0)
    task = a_task(train=loader, trained=False)

    one, two = (evoframe.evolve(task, out=tmp_path / n, generations=2) for n in ("a", "b"))

    assert one.digest() == two.digest()


# --- rules --------------------------------------------------------------------------------------


def individual(generation: int, place: int, synapses: int, accuracy: float) -> Individual:
    fitness = Fitness({"accuracy": Measurement(accuracy)}, {}, {"synapses": float(synapses)})
    name = f"g{generation}s{place}"
    return Individual(name, generation, place, (), Origin.OFFSPRING, "0", name, fitness)


def test_small_enough_and_good_enough_must_be_the_same_individual() -> None:
    """One that is small but useless neither ends a run nor is delivered."""
    ancestor, metric = individual(1, 0, 1000, 0.9), Metric("accuracy")
    options = RunOptions(until="10x", max_drop=1.0, generations=9)
    useless, careful = individual(2, 0, 90, 0.45), individual(2, 1, 400, 0.9)
    wanted = individual(3, 0, 95, 0.895)

    assert stop_reason([useless, careful], ancestor, options, metric, 0.0) is None
    assert "g3s0 reached 10x" in stop_reason([wanted], ancestor, options, metric, 0.0)
    assert pick([ancestor, useless, careful, wanted], options, metric) == "g3s0"


def test_the_clock_of_a_later_session_does_not_cut_off_what_was_begun(tmp_path) -> None:
    """A run that went on past a generation stays past it, however long it was interrupted."""
    run = evoframe.evolve(BLOBS, out=tmp_path / "run", generations=3, population=3, time="1h")
    with sqlite3.connect(run.path / "journal.sqlite") as base:
        base.execute("DELETE FROM facts")
        base.execute("INSERT INTO facts VALUES ('seconds', '99999')")
        base.execute("DELETE FROM individuals WHERE id IN ('g2s2', 'g3s0', 'g3s1', 'g3s2')")
    base.close()

    resumed = evoframe.resume(run.path)

    assert [one.id for one in resumed.individuals] == ["g1s0", "g2s0", "g2s1", "g2s2"]
    assert "passed in generation 2" in resumed.ending


def test_a_journal_that_may_only_be_read_shows_what_its_log_holds(tmp_path) -> None:
    """A run on a read-only disk is shown as it is, not as it was at its last checkpoint."""
    run = evoframe.evolve(BLOBS, out=tmp_path / "run", generations=2)
    held = Journal(run.path / "journal.sqlite", writable=True)
    held.note(extra="1")

    copy = _copied(run.path / "journal.sqlite")

    assert copy.execute("SELECT value FROM facts WHERE name = 'extra'").fetchone() == ("1",)
    assert copy.execute("SELECT count(*) FROM individuals").fetchone() == (2,)
    copy.close()
    held.close()
