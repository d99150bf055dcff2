"""Honest headlines: what a run says of sizes, when it stops by them, and what it says at once."""

from __future__ import annotations

import itertools
from pathlib import Path

import attrs
import pytest
import torch
from click.testing import CliRunner
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

import evoframe
from evoframe.anatomy import survey
from evoframe.cli import main
from evoframe.config.recipe import RunOptions
from evoframe.errors import ConfigError
from evoframe.kernel.individual import Fitness, Individual, Measurement, Metric, Origin
from evoframe.kernel.sizes import did_shrink
from evoframe.report import tables
from evoframe.run.rules import pick, stop_reason

BLOBS = f"{Path(__file__).parents[1] / 'support' / 'blobs.py'}:Blobs"
QUICK = {"training": "none", "observer": []}
BUNDLES = {"encoding": "cluster", "options": ["encoding.of=bundle"]}


def individual(name: str, **costs: float) -> Individual:
    """Return somebody of these sizes, as accurate as all others."""
    generation, place = int(name[1]), int(name[3])
    fitness = Fitness({"accuracy": Measurement(0.9)}, {}, {"synapses": 10.0, **costs})
    return Individual(name, generation, place, (), Origin.OFFSPRING, "0", name, fitness)


# --- until ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("cost", ["parameters", "flops", "bytes", "activations", "latency"])
def test_a_run_stops_by_the_size_that_is_asked_for(cost: str) -> None:
    """Synapses have nothing to say where others are named."""
    ancestor, one = individual("g1s0", **{cost: 400.0}), individual("g2s0", **{cost: 100.0})
    near, metric = individual("g2s1", **{cost: 101.0}), Metric("accuracy")
    options = RunOptions(until=f"{cost}=4x", generations=9)

    assert stop_reason([near], ancestor, options, metric, 0.0) is None
    assert "g2s0 reached" in stop_reason([near, one], ancestor, options, metric, 0.0)
    assert stop_reason([individual("g2s2")], ancestor, options, metric, 0.0) is None


def test_the_smallest_is_that_of_the_size_that_is_asked_for() -> None:
    """Of two that are good enough, the one with fewer FLOPs."""
    ancestor = individual("g1s0", flops=400.0, synapses=100.0)
    one = individual("g2s0", flops=100.0, synapses=50.0)
    other = individual("g2s1", flops=200.0, synapses=10.0)
    everyone, metric = [ancestor, one, other], Metric("accuracy")

    assert pick(everyone, RunOptions(until="flops=4x", max_drop=1), metric) == "g2s0"
    assert pick(everyone, RunOptions(max_drop=1), metric) == "g2s1"


@pytest.mark.parametrize("cost", ["flops", "parameters", "bytes"])
def test_until_ends_a_run(cost: str, tmp_path) -> None:
    """In recipes and in Python, as on the command line."""
    recipe = {"run": {"until": f"{cost}=2x", "generations": 9}}
    run = evoframe.evolve(BLOBS, recipe=recipe, out=tmp_path / "run", **QUICK, **BUNDLES)

    assert run.ending == f"{run.best.id} reached {cost}=2x"
    assert run.ancestor.fitness.costs[cost] >= 2 * run.best.fitness.costs[cost]


def test_latency_ends_a_run_where_it_is_told(tmp_path) -> None:
    """By the rates of a budget; without them it is refused before anything is written."""
    rates = ["environment.cost=latency", "environment.seconds_per_flop=1e-9"]
    told = {**BUNDLES, "options": [*BUNDLES["options"], *rates], "environment": "budget"}
    out = tmp_path / "run"

    with pytest.raises(ConfigError, match="until = 'latency=2x' needs a table"):
        evoframe.evolve(BLOBS, until="latency=2x", out=out, **QUICK, **BUNDLES)
    assert not out.exists()
    run = evoframe.evolve(BLOBS, until="latency=2x", out=out, generations=9, **QUICK, **told)

    assert run.ending == "g2s0 reached latency=2x"
    assert set(run.best.fitness.costs) == set(run.ancestor.fitness.costs)


class Stubborn(nn.Module):
    """Asks for values once more in every pass, so that no answer can be told again."""

    passes = itertools.count(1)

    def __init__(self, width: int = 8) -> None:
        super().__init__()
        self.one, self.two = nn.Linear(4, width), nn.Linear(width, 2)

    def forward(self, x: Tensor) -> Tensor:
        """Return two scores."""
        for _ in range(next(self.passes)):
            float(x.detach().sum())
        out: Tensor = self.two(self.one(x))
        return out


def task_of(network: nn.Module):
    """Return a task around a network of four inputs."""
    torch.manual_seed(0)
    points = TensorDataset(torch.randn(8, 4), torch.arange(8) % 2)
    loader = DataLoader(points, batch_size=4)
    loss = nn.functional.cross_entropy
    return evoframe.task(network=network, train=loader, validation=loader, loss=loss)


def test_a_size_that_nobody_can_tell_is_refused(tmp_path) -> None:
    """A run that waits for it would never stop."""
    with pytest.raises(ConfigError, match="Use until = 'parameters=4x'"):
        evoframe.evolve(task_of(Stubborn()), until="flops=4x", out=tmp_path / "run", **QUICK)

    assert not (tmp_path / "run").exists()


# --- said at once ---------------------------------------------------------------------------------


class Ordered(nn.Module):
    """Sums along channels, so that each depends on its position."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two, self.three = nn.Linear(4, 16), nn.Linear(16, 4), nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        """Return two scores."""
        out: Tensor = self.three(torch.relu(self.two(self.one(x).cumsum(1))))
        return out


def test_tensors_that_did_not_shrink_are_told_of_at_once_with_the_barrier(tmp_path, capsys) -> None:
    """After the first offspring, and not in a log alone."""
    network = task_of(Ordered())
    run = evoframe.evolve(network, encoding="uniform", generations=3, out=tmp_path / "run", **QUICK)

    told = [line for line in capsys.readouterr().err.splitlines() if "did not shrink" in line]
    assert ["so far" in line for line in told] == [True, False]
    assert all("x fewer parameters" in line for line in told)
    assert all("The main obstacle is aten.cumsum" in line for line in told)
    assert [one for one in run.remarks if "did not shrink" in one] == [
        line.partition("] ")[2].strip() for line in told[1:]
    ]


def test_what_is_on_record_holds_of_what_is_delivered(tmp_path, capsys) -> None:
    """The first offspring keep their tensors, and later ones do not."""
    options = ["environment.retention=0.5", "task.hidden=64"]
    run = evoframe.evolve(
        BLOBS, encoding="magnitude", generations=6, options=options, out=tmp_path / "run", **QUICK
    )

    assert "so far, tensors did not shrink" in capsys.readouterr().err
    assert did_shrink(run.best.fitness.costs, run.ancestor.fitness.costs)
    assert not [one for one in run.remarks if "did not shrink" in one]


def test_an_encoding_of_single_synapses_is_told_of_at_once(tmp_path, capsys) -> None:
    """Where no operation is in the way, the remedy is to take channels."""
    options = ["task.hidden=64", "environment.retention=0.8"]
    evoframe.evolve(BLOBS, encoding="uniform", options=options, out=tmp_path / "run", **QUICK)

    told = capsys.readouterr().err
    assert "No operation is in the way; encoding 'cluster' with encoding.of=bundle" in told


def test_a_network_that_nothing_can_leave_is_told_of_before_anybody_lives(tmp_path, capsys) -> None:
    """Not after hours of training."""
    evoframe.evolve(task_of(Stubborn()), generations=2, out=tmp_path / "run", **QUICK)

    told = capsys.readouterr().err
    assert told.count("no channel can be removed from this network") == 1
    assert "did not shrink" not in told


@pytest.mark.parametrize("options", [BUNDLES, {**BUNDLES, "environment": "budget"}], ids=str)
def test_a_run_that_shrinks_says_nothing(options, tmp_path, capsys) -> None:
    """A warning that always comes is none."""
    evoframe.evolve(BLOBS, generations=2, out=tmp_path / "run", **QUICK, **options)

    assert capsys.readouterr().err == ""


class AsksForTargets(nn.Sequential):
    """Computes its loss in training, for which it wants targets."""

    def forward(self, x: Tensor, targets: Tensor | None = None) -> Tensor:
        """Return two scores, or the loss."""
        scores: Tensor = super().forward(x)
        if self.training:
            assert targets is not None, "targets are wanted in training"
        return scores


class Noisy(nn.Sequential):
    """Computes something else each time in training, by a count of its own."""

    count = 0

    def forward(self, x: Tensor) -> Tensor:
        """Return two scores, moved by how often it was asked."""
        Noisy.count += self.training
        scores: Tensor = super().forward(x) * (1 + Noisy.count % 2)
        return scores


class InRange(nn.Sequential):
    """Wants inputs of 0 to 1, as pictures are."""

    def forward(self, x: Tensor) -> Tensor:
        """Return two scores."""
        assert x.is_meta or 0 <= float(x.min()) <= float(x.max()) <= 1, "wanted 0 to 1"
        scores: Tensor = super().forward(x)
        return scores


UNTRIED = {
    "in training": (AsksForTargets, [], "in training it does not run on the example inputs"),
    "not the same": (Noisy, [], "in training it does not compute the same twice"),
    "switched off": (nn.Sequential, ["anatomy.numbers=false"], "anatomy.numbers is false"),
}


@pytest.mark.parametrize("kind", UNTRIED)
def test_what_was_not_tried_by_numbers_is_told_and_on_record(kind, tmp_path, capsys) -> None:
    """A person must know how much of a proof a figure stands on."""
    made, options, reason = UNTRIED[kind]
    task = task_of(made(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2)))
    given = {**QUICK, **BUNDLES, "options": [*BUNDLES["options"], *options]}
    run = evoframe.evolve(task, generations=2, out=tmp_path / "run", **given)

    assert capsys.readouterr().err.count(
        f"not all removable channels were tested numerically: {reason}"
    )
    assert [words for words in run.remarks if reason in words]
    assert run.as_json()["remarks"] == run.remarks


def test_inputs_that_must_not_be_moved_are_taken_as_they_are() -> None:
    """Code that checks the range of its inputs is tried all the same."""
    torch.manual_seed(0)
    network = InRange(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))

    assert not survey(network, (torch.rand(4, 4),), ("0.weight",)).untried


@pytest.mark.filterwarnings("error")
def test_what_torch_warns_of_while_removals_are_tried_stops_nothing() -> None:
    """An instance norm without parameters warns of channels that do not match, in any pass."""
    norm = nn.InstanceNorm2d(5, affine=False)
    network = nn.Sequential(nn.Conv2d(3, 4, 1), norm, nn.ReLU(), nn.Conv2d(4, 2, 1))

    assert not survey(network, (torch.rand(2, 3, 4, 4),), ("0.weight",)).untried


# --- tables ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A small run of pairs of parents."""
    folder = tmp_path_factory.mktemp("headlines") / "run"
    return evoframe.evolve(
        BLOBS, out=folder, generations=3, population=2, heredity="mating", **QUICK, **BUNDLES
    )


def test_the_table_has_every_size_with_its_factor_and_the_smallest_factor_first(run) -> None:
    """Whoever reads from the left reads the least flattering number first."""
    table = tables.generations(run)

    names = [column.header for column in table.columns]
    ancestor, best = run.ancestor.fitness.costs, run.best.fitness.costs
    sizes = {"parameters": "parameters", "FLOPs": "flops", "synapses": "synapses"}
    shown = [sizes[name] for name in names if name in sizes]
    assert len(shown) == 3
    assert shown == sorted(shown, key=lambda name: ancestor[name] / best[name])
    assert tables.headline(run).startswith(f"best: {run.best.id}, ")


@pytest.mark.parametrize("width", [40, 60, 80, 200])
def test_no_figure_is_cut_on_a_narrow_screen(run, width: int, monkeypatch) -> None:
    """Columns are left out as a whole; a table that is still too wide is not squeezed."""
    monkeypatch.setenv("COLUMNS", str(width))

    text = CliRunner().invoke(main, ["show", str(run.path)]).output

    assert "…" not in text
    assert ("life" in text.splitlines()[0]) == (width == 200 or len(text.splitlines()[0]) <= width)
    for one in run.individuals:
        assert f"{one.fitness.costs['parameters']:,.0f} " in text or one.generation > 1


def test_wide_counts_are_not_cut_either(run, monkeypatch) -> None:
    """A network of billions fits into 80 columns."""
    entries = tuple(
        attrs.evolve(
            entry,
            seconds=86_400.0,
            individual=attrs.evolve(
                entry.individual,
                fitness=attrs.evolve(
                    entry.individual.fitness,
                    costs={name: 1e9 * v for name, v in entry.individual.fitness.costs.items()},
                ),
            ),
        )
        for entry in run.entries
    )
    huge = type(run)(run.path)
    huge.__dict__["entries"] = entries

    widths = [
        max(len(str(cell)) for cell in (column.header, *column.cells))
        for column in tables.generations(huge, 80).columns
    ]

    assert sum(widths) + len(widths) - 1 <= 80


def test_inspect_ranks_barriers_and_says_how_long_it_took(tmp_path) -> None:
    """What to mend first, and what a survey costs."""
    file = tmp_path / "mine.py"
    file.write_text(MINE)

    text = CliRunner().invoke(main, ["inspect", "--task", f"{file}:Mine"]).output

    assert "% of the parameters and " in text
    assert text.index("aten._softmax") < text.index("aten.cumsum")
    assert "the survey took " in text


MINE = '''
import torch
from torch import nn
from evoframe.plugin import Metric, Task


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.one, self.two, self.three = nn.Linear(4, 8), nn.Linear(8, 64), nn.Linear(64, 2)

    def forward(self, x):
        return self.three(self.two(self.one(x).cumsum(1)).softmax(1))


class Mine(Task):
    """Something."""

    name = "mine"
    metrics = (Metric("accuracy"),)

    def ancestor(self, key):
        return Net()

    def example_inputs(self):
        return (torch.zeros(1, 4),)

    def batches(self, split, *, shuffle=None, batch_size=None):
        return [(torch.ones(4, 4), torch.arange(4) % 2)]

    def step(self, network, batch):
        return nn.functional.cross_entropy(network(batch[0]), batch[1])

    def measure(self, network, batch):
        return {"accuracy": (network(batch[0]).argmax(1) == batch[1]).float()}
'''


class AsksForAMask(nn.Sequential):
    """Asks whether anything is below zero, which another batch may answer otherwise."""

    def forward(self, x: Tensor) -> Tensor:
        """Return two scores."""
        scores: Tensor = super().forward(x.abs() if bool((x < 0).any()) else x)
        return scores


def test_a_path_that_hangs_on_values_is_told_and_on_record(tmp_path, capsys) -> None:
    """What was learned holds for the path of the example inputs; its line is named."""
    task = task_of(AsksForAMask(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2)))
    run = evoframe.evolve(task, generations=2, out=tmp_path / "run", **QUICK, **BUNDLES)

    said = "reads values of tensors (test_headlines.py:"
    assert said in capsys.readouterr().err
    assert [words for words in run.remarks if said in words]
    assert run.individuals[-1].fitness.costs["flops"] < run.individuals[0].fitness.costs["flops"]
