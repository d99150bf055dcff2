"""What was asked for and is not reached is told, and a drop has the unit that the run decides."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from torch import nn

import evoframe
from evoframe.cli import main
from evoframe.config.recipe import RunOptions
from evoframe.errors import ConfigError
from evoframe.kernel.individual import Fitness, Individual, Measurement, Metric, Origin
from evoframe.run.rules import drop_in_points, pick, require_unit

INPUTS = torch.arange(480.0).reshape(60, 8).sin()
TARGETS = (INPUTS[:, 0] > 0).long()


def wrong(outputs, targets):
    return (outputs.argmax(1) != targets).float()


def right(outputs, targets):
    return 1 - wrong(outputs, targets)


def task_of(**metrics):
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 2))
    optimiser = torch.optim.Adam(net.parameters(), 0.01)
    for _ in range(60):
        optimiser.zero_grad()
        nn.functional.cross_entropy(net(INPUTS), TARGETS).backward()
        optimiser.step()
    data = (INPUTS, TARGETS)
    loss = nn.functional.cross_entropy
    return evoframe.task(network=net, train=data, validation=data, loss=loss, metrics=metrics)


def evolved(task, out: Path, **options):
    return evoframe.evolve(
        task, out=out, training="none", encoding="magnitude", observer=[], **options
    )


def somebody(name: str, value: float, synapses: float = 10.0) -> Individual:
    fitness = Fitness({"m": Measurement(value)}, {}, {"synapses": synapses})
    return Individual(name, int(name[1]), int(name[3]), (), Origin.OFFSPRING, "0", name, fitness)


@pytest.mark.parametrize(
    ("metric", "reference", "value", "points"),
    [
        (Metric("m"), 0.9, 0.8, 10.0),
        (Metric("m"), 30.0, 29.0, 1.0),
        (Metric("m", share=False), 0.9, 0.8, 0.1),
        (Metric("m", maximise=False), 2.0, 2.1, 0.1),
        (Metric("m", maximise=False, share=True), 0.1, 0.2, 10.0),
        (Metric("m", maximise=False, share=False), 0.1, 0.2, 0.1),
    ],
    ids=str,
)
def test_a_drop_counts_points_of_a_share_whichever_way_is_better(
    metric, reference, value, points
) -> None:
    """And one unit is told of all values beside that ancestor's."""
    found = drop_in_points(somebody("g2s0", value), somebody("g1s0", reference), metric)
    assert found == pytest.approx(points)

    told = [metric.beside(reference).in_words(Measurement(one)) for one in (0.9, 1.1)]
    assert [one.endswith(" %") for one in told] == 2 * [points == 10.0]


def test_a_limit_whose_unit_none_can_tell_is_refused_by_name(tmp_path) -> None:
    """An error of 0.1 may be a share: a drop of 1.0 would allow everything."""
    with pytest.raises(ConfigError, match=r'"error": \(function, "min", "share"\)'):
        evolved(task_of(error=(wrong, "min")), tmp_path / "run", max_drop=1.0)

    said = task_of(error=(wrong, "min", "share"))
    options = ["environment.retention=0.2"]
    run = evolved(said, tmp_path / "said", max_drop=1.0, options=options)
    allowed = run.ancestor.fitness.value("error") + 0.01
    assert run.best.fitness.value("error") <= allowed
    # Else the limit had nothing to refuse.
    assert any(one.fitness.value("error") > allowed for one in run.individuals)
    assert evoframe.Run(run.path).metric.share


@pytest.mark.parametrize("value", [0.3, 1.7])
def test_a_limit_is_clear_where_the_task_or_the_value_says_so(value: float) -> None:
    ancestor, options = somebody("g1s0", value), RunOptions(max_drop=1.0)
    require_unit(ancestor, options, Metric("m"))
    require_unit(ancestor, options, Metric("m", maximise=False, share=False))
    require_unit(ancestor, RunOptions(), Metric("m", maximise=False))


def test_a_loss_is_no_share_though_nobody_says_so() -> None:
    metrics = task_of(val_loss=(wrong, "min"), wrong_loss=(wrong, "min", "share")).metrics

    assert [one.share for one in metrics] == [False, True]


def test_a_unit_that_there_is_not_is_refused() -> None:
    with pytest.raises(evoframe.EvoframeError, match="has unit 'percent'; wanted 'share'"):
        task_of(error=(wrong, "min", "percent"))


def test_that_nothing_smaller_is_delivered_is_told(tmp_path, capsys) -> None:
    """In the console, in ``remarks``, by ``show`` and on the page; no longer once it goes on."""
    options = ["environment.retention=0.05"]
    run = evolved(
        task_of(accuracy=right), tmp_path / "run", max_drop=0.0, until="4x", options=options
    )
    assert run.best.id == "g1s0"

    said = (
        "nothing smaller is delivered: g1s0 is the ancestor, because all offspring lose more than"
    )
    (told,) = [one for one in run.remarks if said in one]
    assert "percentage points of accuracy, of g2s0" in told
    assert "until = '4x' is not reached: g1s0 has 1.0x fewer" in " ".join(run.remarks)
    assert "What reached it lost too much: g2s0." in " ".join(run.remarks)
    assert said in capsys.readouterr().err
    assert said in CliRunner().invoke(main, ["show", str(run.path)]).output
    page = tmp_path / "page.html"
    assert CliRunner().invoke(main, ["report", str(run.path), "--out", str(page)]).exit_code == 0
    assert said in page.read_text()


def test_a_run_that_reaches_what_was_asked_for_says_nothing(tmp_path) -> None:
    run = evolved(task_of(accuracy=right), tmp_path / "run", until="1.5x", generations=9)

    assert run.best.id != "g1s0"
    assert not [one for one in run.remarks if "delivered" in one or "until" in one]


def test_the_smallest_reaches_the_target_if_any_who_is_good_enough_does() -> None:
    """So a run with both aims delivers by both."""
    everyone = [
        somebody("g1s0", 0.9, 100.0),
        somebody("g2s0", 0.9, 40.0),
        somebody("g3s0", 0.9, 20.0),
        somebody("g4s0", 0.2, 5.0),
    ]
    assert pick(everyone, RunOptions(until="4x", max_drop=1.0), Metric("m")) == "g3s0"
