"""What a run delivers is worth something, or the run says that it is not."""

from __future__ import annotations

import math

import attrs
import pytest
import torch
from click.testing import CliRunner
from hypothesis import given, strategies as st
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import evoframe
from evoframe.cli.main import main
from evoframe.config.recipe import RunOptions
from evoframe.errors import RunError
from evoframe.kernel.individual import Fitness, Individual, Measurement, Metric, Origin
from evoframe.kernel.key import Key
from evoframe.run.checks.remarks import far_under, splits_apart
from evoframe.run.rules import pick, stop_reason
from support import blobs
from support.blobs import Blobs

BROKEN = (math.nan, math.inf, -math.inf)
values = st.sampled_from(BROKEN) | st.floats(-2, 2)


def one(generation: int, place: int, value: float, test: float | None = None) -> Individual:
    tested = {} if test is None else {"m": Measurement(test, 0.01)}
    fitness = Fitness({"m": Measurement(value, 0.01)}, tested, {"synapses": 1000.0 - generation})
    name = f"g{generation}s{place}"
    return Individual(name, generation, place, (), Origin.OFFSPRING, "0", name, fitness)


@given(st.lists(values, min_size=1, max_size=8), st.booleans(), st.none() | st.floats(0, 3))
def test_nobody_without_a_finite_metric_is_delivered(found, maximise, max_drop) -> None:
    """Neither NaN nor an infinity, even one that looks like the best there could be."""
    everyone = [one(1, 0, 0.5), *(one(2 + i // 3, i % 3, v) for i, v in enumerate(found))]
    metric = Metric("m", maximise=maximise)

    chosen = pick(everyone, RunOptions(max_drop=max_drop), metric)

    value = next(i for i in everyone if i.id == chosen).fitness.value("m")
    assert math.isfinite(value)
    if max_drop is not None:
        assert metric.drop(value, 0.5) * (100 if maximise else 1) <= max_drop


@pytest.mark.parametrize("value", BROKEN)
@pytest.mark.parametrize("maximise", [True, False])
def test_nobody_without_a_finite_metric_ends_a_run_well(value, maximise) -> None:
    """It reached its size, but nothing else."""
    metric, options = Metric("m", maximise=maximise), RunOptions(until="1x", max_drop=1, time="9h")
    broken = [one(2, 0, value), one(2, 1, value)]

    assert "no individual of generation 2 has a finite m" in stop_reason(
        broken, one(1, 0, 0.5), options, metric, 0.0
    )
    assert "g2s1 reached 1x" in stop_reason(
        [broken[0], one(2, 1, 0.5)], one(1, 0, 0.5), options, metric, 0.0
    )


@attrs.frozen
class Late(Blobs):
    """Blobs whose accuracy is no number for small networks."""

    name = "late"
    value: float = math.nan
    least: int = 200

    def measure(self, network, batch):
        found = super().measure(network, batch)
        left = sum(int((p != 0).sum()) for p in network.parameters())
        return found if left >= self.least else found | {"accuracy": found["accuracy"] * self.value}


@pytest.mark.parametrize("value", BROKEN)
def test_the_run_says_which_generation_lost_its_metric(value, tmp_path, capsys) -> None:
    """At once, and it goes no further when nobody is left."""
    run = evoframe.evolve(
        Late(value=value),
        out=tmp_path / "run",
        generations=9,
        training="none",
        options=["ancestor.use=gradient", "environment.retention=0.5"],
    )

    assert math.isfinite(run.best.fitness.value("accuracy"))
    assert "no individual of generation" in run.ending
    said = capsys.readouterr().err
    assert "a metric is not finite" in said
    lost = [i.generation for i in run.individuals if not math.isfinite(i.fitness.value("accuracy"))]
    assert f"generation={lost[0]}" in said


@pytest.mark.parametrize("value", BROKEN)
def test_an_ancestor_without_a_finite_metric_is_refused(value, tmp_path) -> None:
    """Nothing could be compared with it."""
    with pytest.raises(RunError, match="accuracy is"):
        evoframe.evolve(Late(value=value, least=10**6), out=tmp_path / "run", training="none")


# --- remarks --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after", "maximise", "said"),
    [
        (0.89, 0.0, True, True),
        (0.89, 0.85, True, False),
        (0.89, 0.95, True, False),
        (89.0, 50.0, True, True),
        (0.3, 2.3, False, True),
        (0.3, 0.4, False, False),
        (-100.0, -130.0, True, True),
        (0.9, math.nan, True, True),
    ],
)
def test_far_under_the_ancestor_is_worth_a_word(before, after, maximise, said) -> None:
    """0.89 became 0.0 without one."""
    words = far_under(one(2, 0, after), one(1, 0, before), Metric("m", maximise=maximise))

    assert bool(words) == said


@pytest.mark.parametrize(
    ("validation", "test", "said"),
    [(1.0, 0.1, True), (1.0, 0.95, False), (0.1, 0.9, True), (0.9, None, False), (90, 10, False)],
)
def test_validation_far_from_test_is_worth_a_word(validation, test, said) -> None:
    """All right on one and chance on the other is no chance."""
    metric = Metric("m").beside(validation)

    assert bool(splits_apart(one(1, 0, validation, test), metric)) == said


def a_task(train, validation, test=None, **more):
    net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
    named = {"train": train, "validation": validation, "test": test}
    loaders = {
        name: None if x is None else DataLoader(TensorDataset(x, torch.arange(len(x)) % 2), 16)
        for name, x in named.items()
    }
    return evoframe.task(network=net, loss=nn.functional.cross_entropy, **loaders, **more)


def points(count: int, seed: int) -> torch.Tensor:
    return torch.randn(count, 4, generator=Key(seed).generator())


@pytest.mark.parametrize("kind", ["none", "validation", "test", "both", "twice in one"])
def test_examples_that_stand_in_two_splits_are_told(kind, tmp_path, capsys) -> None:
    """Bit for bit: what is measured on them is no measure of new ones."""
    train, validation, test = points(60, 1), points(30, 2), points(30, 3)
    if kind in ("validation", "both"):
        validation[7] = train[50]
    if kind in ("test", "both"):
        test[:3] = validation[:3]
    if kind == "twice in one":
        train[1] = train[0]

    evoframe.evolve(a_task(train, validation, test), out=tmp_path / "run", generations=1)

    said = capsys.readouterr().err
    assert ("1 of the 30 validation examples looked at also occur in train" in said) == (
        kind in ("validation", "both")
    )
    assert ("3 of the 30 test examples looked at also occur in validation" in said) == (
        kind in ("test", "both")
    )


def test_the_last_lines_of_a_run_tell_what_it_lost(tmp_path, monkeypatch) -> None:
    """On the command line, and whenever it is shown; not if the person has said how much may go."""
    monkeypatch.chdir(tmp_path)
    words = ["evolve", "--task", f"{blobs.__file__}:Blobs", "--generations", "4", "--out"]
    options = ["--training", "none", "-o", "ancestor.use=gradient", "--encoding", "uniform"]
    said = "is much worse than the ancestor: its accuracy"

    done = CliRunner().invoke(main, [*words, "run", *options])
    careful = CliRunner().invoke(main, [*words, "careful", *options, "--max-drop", "60"])

    assert said in done.stdout.splitlines()[-1]
    assert said in CliRunner().invoke(main, ["show", "run"]).stdout
    assert careful.exit_code == 0
    assert said not in careful.stdout


def test_a_table_without_effect_is_told(tmp_path, capsys) -> None:
    """A network that comes trained is not trained, whatever stands in [ancestor]."""
    task = a_task(points(40, 1), points(40, 2))

    evoframe.evolve(task, out=tmp_path / "run", generations=1, options=["ancestor.epochs=6"])

    assert "[ancestor] has no effect" in capsys.readouterr().err


@pytest.mark.parametrize("training", ["none", "gradient"])
def test_nurtures_that_no_training_takes_along_are_told(tmp_path, capsys, training: str) -> None:
    """Without training nothing is repaired either, though the recipe says so."""
    task = a_task(points(40, 1), points(40, 2))

    evoframe.evolve(
        task, out=tmp_path / "run", generations=1, training=training, nurture=["repair"]
    )

    said = "[nurture] (repair) has no effect" in capsys.readouterr().err
    assert said == (training == "none")


def test_a_table_that_nobody_has_written_is_not_blamed(tmp_path, capsys) -> None:
    """Built-in recipes train ancestors of their own; whoever brings a trained one said nothing."""
    task = a_task(points(40, 1), points(40, 2))
    few = {"generations": 1, "recipe": "structured"}

    run = evoframe.evolve(task, out=tmp_path / "run", until="parameters=1.5x", **few)
    assert "[ancestor]" not in capsys.readouterr().err + str(run.remarks)
    assert run.recipe.ancestor is None

    options = ["ancestor.epochs=6", "run.until=parameters=1.5x"]
    evoframe.evolve(task, out=tmp_path / "said", options=options, **few)
    assert "[ancestor] has no effect" in capsys.readouterr().err
