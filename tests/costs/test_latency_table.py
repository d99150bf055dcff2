"""Latency by a table: what it tells of smaller networks, and what it refuses."""

from __future__ import annotations

import ast
import json
import re
import runpy
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from hypothesis import given, settings, strategies as st
from hypothesis.extra.numpy import arrays
from torch import nn
from torch.nn import functional as F  # noqa: N812

import evoframe
from evoframe.anatomy import Anatomy, survey
from evoframe.anatomy.plan.calling import calls_of
from evoframe.anatomy.timing import latency_plan, narrowed, timed_by
from evoframe.cli import main
from evoframe.costs import measure_latency
from evoframe.costs.measure_latency import TABLE, grid
from evoframe.costs.table import LatencyTable, monotone
from evoframe.errors import ConfigError, ResumeError
from evoframe.kernel.population import Population
from evoframe.once.timing import write

BLOBS = f"{Path(__file__).parents[1] / 'support' / 'blobs.py'}:Blobs"


class Mixed(nn.Module):
    """Convolutions, a depthwise one, a joining, a recurrent layer, attention and functions."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(2, 8, 3, padding=1)
        self.own = nn.Conv2d(8, 8, 3, padding=1, groups=8)
        self.side = nn.Conv2d(2, 5, 1)
        self.norm = nn.BatchNorm2d(13)
        self.flat = nn.Linear(13 * 4, 12)
        self.memory = nn.GRU(12, 7, batch_first=True)
        self.heads = nn.MultiheadAttention(7, 1, batch_first=True)
        self.last = nn.Linear(7, 3)

    def forward(self, x):
        first = torch.relu(self.own(self.stem(x)))
        x = self.norm(torch.cat([first, self.side(x)], 1))
        x = nn.functional.adaptive_avg_pool2d(x, 2).flatten(1)
        x, _ = self.memory(self.flat(x)[:, None])
        x = x + self.heads(x, x, x)[0]
        return self.last(x[:, -1])


def surveyed(network: nn.Module, *inputs: torch.Tensor) -> Anatomy:
    """Return an anatomy of which everything but the last layer may evolve."""
    names = [name for name, one in network.named_parameters() if one.ndim > 1]
    return survey(network, inputs, [one for one in names if "last" not in one], numbers=False)


torch.manual_seed(0)
ANATOMY = surveyed(Mixed(), torch.zeros(2, 2, 4, 4))
SHARES = st.lists(st.floats(0, 1), min_size=32, max_size=32)


def price(layer: dict[str, Any], widths: dict[str, int]) -> float:
    """Return milliseconds that are linear in each width."""
    start = 1 + len(layer["function"]) / 10
    return float(start * np.prod([1.0, *(1 + one for one in widths.values())]))


def tabled(plan: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return a plan with prices in the place of measurements."""
    layers = [
        {**one, "milliseconds": [price(one, w) for w in grid(one)], "iqr": [0.0] * 0}
        for one in plan["layers"]
    ]
    said = {**plan, "format": TABLE, "device": "none", "threads": 1, "whole": None, **more}
    return {**said, "layers": layers}


PLAN = latency_plan(ANATOMY, "mixed")
TIMED = timed_by(ANATOMY, LatencyTable.of(tabled(PLAN), "mixed.json"))


def of(anatomy: Anatomy, shares: list[float]) -> float:
    """Return the latency of a network with these shares of its layers."""
    count = sum(1 for _ in anatomy.evolvable)
    genotype = narrowed(anatomy, (shares * 2)[:count][: _layers(anatomy)])
    return anatomy.costs(genotype)["latency"]


def _layers(anatomy: Anatomy) -> int:
    partition = anatomy.clusters("bundle")
    free = ~partition.fixed
    return sum(bool(free[torch.unique(one)].any()) for one in partition.members.values())


@settings(max_examples=5, deadline=None)
@given(SHARES)
def test_every_network_is_told_where_the_truth_is_linear_in_widths(shares) -> None:
    """All calls are found with their widths, whatever left: sums of prices come out exactly."""
    genotype = narrowed(ANATOMY, shares[: _layers(ANATOMY)])
    recorder = calls_of(
        ANATOMY.proved.plan, ANATOMY.proved.plan.build(ANATOMY.channels(genotype)), 2
    )
    table = TIMED.table
    assert recorder is not None
    assert table is not None

    due = 0.0
    for call in recorder.calls:
        fits = ((one, _solved(one, call)) for one in PLAN["layers"])
        layer, widths = next((one, widths) for one, widths in fits if widths is not None)
        due += price(layer, widths)

    assert TIMED.costs(genotype)["latency"] == pytest.approx(due / 1e3)


def _solved(layer: dict[str, Any], call: Any) -> dict[str, int] | None:
    from evoframe.costs.calls import Call
    from evoframe.costs.widths import solved

    template = Call(layer["layer"], layer["function"], layer["arguments"], layer["keywords"])
    return solved(template, call) if template.form == call.form else None


@settings(max_examples=5, deadline=None)
@given(SHARES, st.integers(0, 31), st.floats(0, 1))
def test_a_network_that_lacks_more_never_takes_longer(shares, place, share) -> None:
    """Whatever was measured: noise in a table makes no layer with more channels quicker."""
    noise = np.random.default_rng(place)
    said = tabled(PLAN)
    for layer in said["layers"]:
        layer["milliseconds"] = noise.uniform(0, 1, len(layer["milliseconds"])).tolist()
    anatomy = timed_by(ANATOMY, LatencyTable.of(said, "noise.json"))
    fewer = [*shares]
    fewer[place % _layers(ANATOMY)] *= share

    assert of(anatomy, fewer) <= of(anatomy, shares) * (1 + 1e-9)


@settings(max_examples=50, deadline=None)
@given(
    arrays(np.float64, st.tuples(st.integers(1, 5), st.integers(1, 5)), elements=st.floats(0, 9))
)
def test_a_table_is_made_monotone_by_the_mean_of_the_nearest(values) -> None:
    """Nothing changes that rises already, and nothing leaves the range of what was measured."""
    found = monotone(values)

    for axis in (0, 1):
        assert (np.diff(found, axis=axis) >= 0).all()
    np.testing.assert_array_equal(monotone(found), found)
    assert values.min() <= found.min()
    assert found.max() <= values.max()


def test_the_whole_and_a_small_network_say_what_is_added(tmp_path) -> None:
    """A line through both; without a small one a constant; never below nothing."""
    layers = TIMED.costs(ANATOMY.genotype())["latency"] * 1e3
    small = {"milliseconds": 3 + 2 * layers / 4, "iqr": 0.0, "layers": layers / 4}
    whole = {"milliseconds": 3 + 2 * layers, "iqr": 0.0}

    def line(**more: Any) -> tuple[float, float]:
        table = LatencyTable.of(tabled(PLAN, **more), "t")
        return table.rest, table.part

    assert line(whole=whole, small=small) == pytest.approx((3, 2))
    assert line(whole=whole) == pytest.approx((3 + layers, 1))
    assert line(whole={"milliseconds": layers / 2, "iqr": 0.0}) == pytest.approx((0, 0.5))
    assert line() == (0, 1)


def test_what_was_not_measured_is_refused_by_name() -> None:
    """Another network, other inputs, and widths outside of those that were measured."""
    other = surveyed(nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 5), nn.Linear(5, 2)),
                     torch.zeros(1, 4))  # fmt: skip
    with pytest.raises(ConfigError, match=r"'mixed.json' does not hold torch.nn.functional"):
        timed_by(other, TIMED.table)
    said = tabled(PLAN)
    for layer in said["layers"]:
        layer["widths"] = {name: own[1:] for name, own in layer["widths"].items()}
        layer["milliseconds"] = [price(layer, widths) for widths in grid(layer)]
    narrow = timed_by(ANATOMY, LatencyTable.of(said, "wide.json"))
    with pytest.raises(ConfigError, match=r"measured are others than a = 1.* from \d+ to"):
        of(narrow, [0.0] * 32)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"format": "other"}, "is no latency table"),
        ({"layers": [{"layer": "x"}]}, "cannot be read: KeyError"),
        ({"whole": {"milliseconds": -1}}, "-1 is no number of milliseconds"),
        (
            {"layers": [{**tabled(PLAN)["layers"][0], "widths": {"a": [3, 2]}}]},
            "cannot be|that rise",
        ),
    ],
    ids=["format", "layers", "negative", "falling"],
)
def test_a_file_that_is_no_table_is_refused(change, words, tmp_path) -> None:
    """In one line, with the name of the file."""
    path = tmp_path / "t.json"
    path.write_text(json.dumps({**tabled(PLAN), **change}))
    with pytest.raises(ConfigError, match=words) as caught:
        LatencyTable.read(path)
    assert "t.json" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_script_needs_torch_alone_and_makes_a_table(tmp_path, monkeypatch) -> None:
    """As it is carried elsewhere."""
    file = str(measure_latency.__file__)
    imported = {
        name.split(".")[0]
        for node in ast.walk(ast.parse(Path(file).read_text()))
        for name in (
            [one.name for one in node.names] if isinstance(node, ast.Import)
            else [str(node.module)] if isinstance(node, ast.ImportFrom) else []
        )
    }  # fmt: skip
    assert imported <= {*sys.stdlib_module_names, "torch"}
    plan, table = tmp_path / "plan.json", tmp_path / "table.json"
    write({**PLAN, "layers": PLAN["layers"]}, plan)
    given = [str(plan), str(table), "--rounds", "1", "--seconds", "0", "--whole", "9"]
    monkeypatch.setattr(sys, "argv", ["measure_latency.py", *given])

    runpy.run_path(file, run_name="__main__")

    found = timed_by(ANATOMY, LatencyTable.read(table))
    assert 0 < found.costs(narrowed(ANATOMY, [0.4] * _layers(ANATOMY)))["latency"] < 0.009
    assert found.costs(ANATOMY.genotype())["latency"] == pytest.approx(0.009, rel=0.01)


def test_a_run_hangs_on_the_table_alone(tmp_path) -> None:
    """It stops by it, is the same again, and is not gone on with by another table."""
    table = tmp_path / "t.json"
    made = CliRunner().invoke(main, ["latency", "--task", BLOBS, "--out", str(table), "--plan"])
    assert made.exit_code == 0, made.output
    assert (tmp_path / "measure_latency.py").exists()
    write(tabled(json.loads(table.read_text())), table)
    options = ["encoding.of=bundle", f"run.latency_table={table}", "environment.cost=latency",
               "environment.share=0.7", "training.epochs=1"]  # fmt: skip
    how: dict[str, Any] = {"encoding": "cluster", "environment": "budget", "options": options}

    runs = [
        evoframe.evolve(BLOBS, until="latency=1.2x", out=tmp_path / name, generations=4, **how)
        for name in ("one", "two")
    ]

    costs = [run.best.fitness.costs["latency"] for run in runs]
    assert costs[0] == costs[1] <= 0.7 * runs[0].ancestor.fitness.costs["latency"]
    assert runs[0].ending.endswith("reached latency=1.2x")
    assert runs[0].best.id == runs[1].best.id
    recorded = (tmp_path / "one" / "run.toml").read_text()
    assert "latencies" in recorded


def test_latency_is_traded_where_a_table_tells_it(tmp_path) -> None:
    """The fastest is an end of the front; without a table nothing is written."""
    table, objectives = tmp_path / "t.json", 'selection.objectives=["accuracy", "latency"]'
    CliRunner().invoke(main, ["latency", "--task", BLOBS, "--out", str(table), "--plan"])
    write(tabled(json.loads(table.read_text())), table)
    how: dict[str, Any] = {"encoding": "cluster", "environment": "retention", "generations": 3,
                           "selection": "pareto", "population": 3}  # fmt: skip
    given = ["encoding.of=bundle", "training.epochs=1", objectives]

    with pytest.raises(ConfigError, match=r"there is no latency table.*run\.latency_table"):
        evoframe.evolve(BLOBS, out=tmp_path / "none", options=given, **how)
    assert not (tmp_path / "none").exists()
    given.append(f"run.latency_table={table}")
    run = evoframe.evolve(BLOBS, out=tmp_path / "run", options=given, **how)

    task, alive = run.recipe.task, tuple(one for one in run.individuals if one.is_alive)
    everyone = Population(alive, alive, 3, 1, task.primary, task.metrics)
    fastest = min(alive, key=lambda one: one.fitness.costs["latency"])
    assert fastest.id in [one.id for one in run.recipe.selection.ranked(everyone)[:2]]


def test_a_table_is_measured_here_and_says_what_it_holds(tmp_path) -> None:
    """The whole network and a small one too; it is not written over another."""
    table = tmp_path / "t.json"
    given = [
        "latency",
        "--task",
        BLOBS,
        "--out",
        str(table),
        "--rounds",
        "1",
        "--seconds",
        "0.0001",
    ]

    made, again = (CliRunner().invoke(main, given) for _ in range(2))

    assert made.exit_code == 0, made.output
    assert re.search(
        r"5 layers, .* the whole network [\d.]+ ms .* of its layers", made.output, re.DOTALL
    )
    assert again.exit_code == 2
    assert "is there already" in again.output
    told = LatencyTable.read(table)
    assert told.rest + told.part * told.whole == pytest.approx(
        json.loads(table.read_text())["whole"]["milliseconds"]
    )


def test_a_table_that_changed_ends_a_resumption(tmp_path) -> None:
    """What was drawn hung on the old one."""
    from evoframe.run import resuming
    from evoframe.run.disk import fingerprints

    before = fingerprints.of_network(timed_by(ANATOMY, LatencyTable.of(tabled(PLAN), "t", "aa")))
    after = fingerprints.of_network(timed_by(ANATOMY, LatencyTable.of(tabled(PLAN), "t", "bb")))
    with pytest.raises(ResumeError, match="the table of latencies was aa, is bb"):
        resuming.require_equal({"fingerprints": before}, after, tmp_path)


@pytest.mark.parametrize(("latency", "most"), [("2x", 1 / 2), (0.6, 0.6)])
def test_one_cut_is_as_quick_as_was_asked(latency, most, tmp_path) -> None:
    """By the table; together with a limit of another cost."""
    path = tmp_path / "t.json"
    write(tabled(PLAN), path)
    smaller = evoframe.shrink(
        ANATOMY.network, (torch.zeros(2, 2, 4, 4),), latency=latency, latency_table=path,
        parameters=0.9, evolvable=tuple(ANATOMY.evolvable),
    )  # fmt: skip
    what = evoframe.shrunk(smaller)
    assert what.after["latency"] <= most * what.before["latency"]
    assert what.after["parameters"] <= 0.9 * what.before["parameters"]
    assert "latency by the table" in str(what)


def test_a_limit_of_latency_needs_a_table_and_milliseconds_a_unit() -> None:
    """Nothing is measured in a cut."""
    inputs = (torch.zeros(2, 2, 4, 4),)
    with pytest.raises(ConfigError, match="needs a table"):
        evoframe.shrink(ANATOMY.network, inputs, latency="2x")


class Grouped(nn.Module):
    """Widths that cannot meet: groups and what they read, halves, and shuffled pixels."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.groups = nn.Conv2d(2, 12, 1), nn.Conv2d(12, 16, 1, groups=4)
        self.shuffled, self.head = nn.Conv2d(8, 8, 1), nn.Conv2d(2, 1, 1)

    def forward(self, x):
        x = F.glu(self.groups(self.stem(x)), 1)
        return self.head(F.pixel_shuffle(self.shuffled(x), 2).relu())


class Added(nn.Module):
    """Blocks that may leave, so that what is idle makes zeros."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.head = nn.Linear(4, 12), nn.Linear(12, 3)
        self.blocks = nn.ModuleList(
            nn.Sequential(nn.Linear(12, 20), nn.ReLU(), nn.Linear(20, 12)) for _ in range(2)
        )

    def forward(self, x):
        x = self.stem(x)
        for block in self.blocks:
            x = x + block(x)
        return self.head(x)


@pytest.mark.parametrize(
    ("make", "shape", "options"),
    [
        (Grouped, (2, 2, 4, 4), {}),
        (Added, (2, 4), {"depth": True}),
        (Added, (2, 4), {"depth": True, "multiple": 2}),
    ],
)
def test_what_becomes_smaller_in_leaps_is_measured_and_told(make, shape, options, tmp_path) -> None:
    """And a network that was cut is told by the table of the whole one, and cut on."""
    torch.manual_seed(0)
    network, inputs = make().eval(), (torch.randn(shape),)
    table = tmp_path / "t.json"
    evoframe.latency_table(network, inputs, table, rounds=1, seconds=0.0001, points=3)
    said = json.loads(table.read_text())
    said["whole"] = None  # of one round on a busy machine, it may tell that nothing counts
    for layer in said["layers"]:  # by widths alone, so that no clock decides
        told = zip(grid(layer), layer["milliseconds"], strict=True)
        layer["milliseconds"] = [n and 1.0 + sum(own.values()) for own, n in told]
    table.write_text(json.dumps(said))
    for _ in range(2):
        network = evoframe.shrink(
            network, inputs, latency="1.02x", parameters="1.1x", latency_table=table, **options
        )
    assert evoframe.shrunk(network).factor("latency") >= 1.02


@settings(max_examples=50, deadline=None)
@given(
    arrays(np.float64, (4, 4), elements=st.floats(0, 9)),
    arrays(np.bool_, (4, 4)).filter(lambda one: not one.all()),
)
def test_widths_that_cannot_meet_count_between_their_neighbours(values, missing) -> None:
    """What was measured and rises stays; nothing leaves the range of it."""
    rising = np.maximum.accumulate(np.maximum.accumulate(values, 0), 1)
    found = monotone(np.where(missing, np.nan, rising))

    for axis in (0, 1):
        assert (np.diff(found, axis=axis) >= -1e-12).all()
    np.testing.assert_array_equal(found[~missing], rising[~missing])
