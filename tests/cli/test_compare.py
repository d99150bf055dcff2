"""Comparisons: equal budgets, baselines, interpolation, and going on where one was."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import given, strategies as st

from evoframe.cli import main
from evoframe.config import files
from evoframe.config.convert import recipe_from
from evoframe.config.request import Request
from evoframe.registry import load_registry
from evoframe.report import comparison, curves as drawing
from evoframe.report.arms import arms_of, epochs_of, lives
from evoframe.report.comparison import interpolated
from evoframe.run.run import Run

BLOBS = f"{Path(__file__).parents[1] / 'support' / 'blobs.py'}:Blobs"
REGISTRY = load_registry(entry_points=False)

READY = f"""
import sys
import attrs
sys.path.insert(0, {str(Path(BLOBS.rpartition(":")[0]).parent)!r})
from blobs import Blobs

@attrs.frozen
class Ready(Blobs):
    "Brings its network as if it were trained."

    name = "ready"
    is_trained = True
"""


def recipe(folder: Path, name: str, *, generations: int, population: int, **more) -> Path:
    tables = {
        "run": {"generations": generations, "population": population, "max_drop": 0.0},
        "task": {"use": BLOBS},
        "ancestor": {"use": "gradient", "epochs": 4},
        "environment": [{"use": "retention", "retention": 0.3}],
        "training": {"use": "gradient", "epochs": 2},
        **more,
    }
    file = folder / f"{name}.toml"
    file.write_text(files.write({name: one for name, one in tables.items() if one is not None}))
    return file


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["compare", *map(str, arguments)])


# --- budgets ------------------------------------------------------------------------------------


def test_all_arms_train_for_the_same_number_of_epochs(tmp_path) -> None:
    """The most that is asked for is what everybody gets, in as many lives as each has."""
    one = recipe(tmp_path, "one", generations=4, population=1)
    two = recipe(
        tmp_path, "two", generations=5, population=3, selection={"use": "truncation", "elites": 1}
    )

    arms = arms_of([Request(one), Request(two)], [10.0, 100.0], REGISTRY)

    assert [arm.name for arm in arms] == ["one", "two", "uniform", "magnitude", "dense"]
    *evolved, dense = arms
    for arm in evolved:
        ready = recipe_from(arm.recipes[0], REGISTRY)
        assert lives(ready) * epochs_of(ready) == pytest.approx(4 * 2 * 2, abs=lives(ready) / 2)
        assert ready.run.max_drop is None
    assert lives(recipe_from(evolved[1].recipes[0], REGISTRY)) == 8
    assert recipe_from(evolved[2].recipes[0], REGISTRY).run.generations == 1 + 7  # 2^7 > 100
    assert [epochs_of(recipe_from(tables, REGISTRY)) for tables in dense.recipes] == [16 + 4] * 3
    sizes = [1 / tables["environment"][0]["share"] for tables in dense.recipes]
    assert sizes == pytest.approx([10 / 1.5, math.sqrt(1000), 150])


@given(
    st.lists(st.tuples(st.floats(1, 500), st.floats(0, 1)), min_size=1, max_size=8),
    st.floats(1, 600),
)
def test_interpolation_stays_between_neighbours_and_never_leaves_the_points(points, target) -> None:
    """No value is made up outside of what was measured."""
    found = interpolated(points, target)

    sizes, values = zip(*points, strict=True)
    assert (found is None) == (target < min(sizes) or target > max(sizes))
    if found is not None:
        assert min(values) - 1e-9 <= found <= max(values) + 1e-9
        assert found == pytest.approx(interpolated(points[::-1], target))


def test_interpolation_by_hand() -> None:
    """Half way between 10x and 1000x on a logarithmic scale lies 100x."""
    assert interpolated([(10, 0.9), (1000, 0.5)], 100) == pytest.approx(0.7)
    assert interpolated([(10, 0.9), (10, 0.7), (1000, 0.5)], 10) == pytest.approx(0.8)


# --- the command --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def compared(tmp_path_factory) -> tuple[Path, list[str], Result]:
    """A finished comparison with the command that made it."""
    folder = tmp_path_factory.mktemp("compare")
    mine = recipe(folder, "mine", generations=3, population=2)
    arguments = [str(mine), "--seeds", "2", "--at", "3,5", "--out", str(folder / "out")]
    result = invoke(*arguments)
    assert result.exit_code == 0, result.output
    return folder / "out", arguments, result


def test_a_comparison_is_told_in_a_table_points_and_a_plot(compared) -> None:
    """Every arm has its row, every point can be traced to a run."""
    pytest.importorskip("matplotlib", reason="install evoframe[plot]")
    out, _, result = compared

    table = (out / "compare.md").read_text()
    assert table in result.output
    for arm in ("mine", "uniform", "magnitude", "dense"):
        assert f"| {arm} |" in table
    assert "3x fewer synapses" in table
    with (out / "points.csv").open() as lines:
        rows = list(csv.DictReader(lines))
    for row in rows:
        if row["arm"] != "dense":
            run = Run(out / row["arm"] / f"seed-{row['seed']}")
            synapses = [
                o.synapses for o in run.individuals if str(o.generation) == row["generation"]
            ]
            assert int(row["synapses"]) in synapses
    assert {row["generation"] for row in rows if row["arm"] == "dense"} == {"2"}
    assert (out / "compare.png").stat().st_size > 10_000
    page = (out / "compare.html").read_text("utf-8")
    for words in ("mine", "dense", "at equal parameters", "needed at least", "--seeds 2"):
        assert words in page


def test_all_arms_of_a_seed_have_the_same_ancestor(compared) -> None:
    """Otherwise luck of the ancestor would be taken for merit."""
    out, _, _ = compared

    for seed in range(2):
        arms = ("ancestor", "mine", "uniform", "magnitude")
        first = [Run(out / arm / f"seed-{seed}").entries[0] for arm in arms]
        assert all(entry == first[0] for entry in first), "seconds too: it was trained once"


def test_an_ancestor_is_trained_as_a_life_would_be_before_budgets_are_divided(tmp_path) -> None:
    """A recipe that does not say how leaves no arm with an ancestor of its own."""
    mine = recipe(tmp_path, "mine", generations=5, population=1, ancestor=None)

    def epochs(table: str, *options: str) -> list[int]:
        arms = arms_of([Request(mine)], [4.0], REGISTRY, options=options, epochs=24)
        return [arm.recipes[0][table]["epochs"] for arm in arms[:-1]]

    assert epochs("training") == [6, 8, 8]
    assert epochs("ancestor") == [2, 2, 2]
    assert epochs("ancestor", "ancestor.epochs=5", "training.epochs=3") == [5, 5, 5]


def test_what_may_leave_a_network_is_the_same_for_the_baselines(tmp_path) -> None:
    """A recipe that keeps channels is not compared with arms that do not."""
    mine = recipe(tmp_path, "mine", generations=2, population=1, anatomy={"at_least": 3})

    for arm in arms_of([Request(mine)], [4.0], REGISTRY):
        assert all(tables["anatomy"] == {"at_least": 3} for tables in arm.recipes)


def test_a_task_that_comes_trained_is_compared_too(tmp_path) -> None:
    """There is no ancestor to train, and the lives of arms differ in length."""
    (tmp_path / "ready.py").write_text(READY)
    task = {"use": f"{tmp_path / 'ready.py'}:Ready"}
    mine = recipe(tmp_path, "mine", generations=3, population=2, task=task, ancestor=None)

    result = invoke(mine, "--seeds", "1", "--at", "2", "--epochs", "8", "--out", tmp_path / "out")

    assert result.exit_code == 0, result.output
    assert "| mine | 8 |" in result.output


def test_dense_networks_are_dense_and_new(compared) -> None:
    """All synapses between living channels are there, and weights are not the ancestor's."""
    out, _, _ = compared

    run = Run(out / "dense-1" / "seed-0")
    (small,) = run.individuals[1:]
    network = run.network(small.id)
    hidden = network[0].out_features
    assert 0 < hidden < 16
    assert small.synapses == network[0].weight.numel() + network[2].weight.numel()
    assert run.recipe.heredity.weights == "reinitialise"


@pytest.mark.slow
def test_a_comparison_goes_on_where_it_was(compared, monkeypatch) -> None:
    """Nothing finished is lived again, and what is missing is, in two processes or in one."""
    out, arguments, result = compared
    digests = {path: Run(path.parent).digest() for path in out.glob("*/seed-*/run.toml")}
    lost = out / "uniform" / "seed-1"
    for file in sorted(lost.rglob("*"), reverse=True):
        file.rmdir() if file.is_dir() else file.unlink()
    lost.rmdir()
    begun = out / "magnitude" / "seed-0"  # as if killed when nothing but the record was there
    for file in sorted(begun.rglob("*"), reverse=True):
        if file.name != "run.toml":
            file.rmdir() if file.is_dir() else file.unlink()

    again = invoke(*arguments, "--jobs", "2")

    assert again.exit_code == 0, again.output
    assert again.stdout == result.stdout
    assert digests == {path: Run(path.parent).digest() for path in digests}


def test_a_finished_comparison_is_read_without_a_survey(compared, monkeypatch) -> None:
    """Whoever looks again does not wait for ancestors of whom nobody is lived."""
    _, arguments, result = compared
    monkeypatch.setattr(comparison, "build_world", None)

    again = invoke(*arguments)

    assert again.exit_code == 0, again.output
    assert again.stdout == result.stdout


def test_another_comparison_in_the_folder_is_refused(compared) -> None:
    """A folder holds one comparison."""
    _, arguments, _ = compared

    result = invoke(*arguments, "--epochs", "9")

    assert result.exit_code == 2
    assert "holds another comparison" in " ".join(result.output.split())


def test_without_matplotlib_there_is_a_table_and_a_word(compared, monkeypatch) -> None:
    """A plot is an extra."""
    _, arguments, _ = compared
    monkeypatch.setattr(drawing, "find_spec", lambda _: None)

    result = invoke(*arguments)

    assert result.exit_code == 0
    assert "no plot: matplotlib is not installed" in result.output
    assert "| magnitude |" in result.output


MISTAKES = [
    (["nothing"], "there is no recipe 'nothing'"),
    (["demo", "--at", "0,5"], "wanted factors above 1"),
    (["demo", "--at", "ten"], "wanted factors above 1"),
    (["demo", "--at", "nan"], "wanted factors above 1"),
    (["demo", "-o", "run.seed=3"], "a comparison decides itself about"),
    (["demo", "--seeds", "0"], "0 is not in the range"),
    (["demo", "demo"], "do not have names of their own"),
    (["demo", "darwin-1606-mnist"], "has another ancestor than the first one"),
    (["demo", "-o", "encoding.temperature=1"], "only task, ancestor, training, run can be changed"),
    (["demo", "-o", "task.data=nowhere.npz"], "cannot be read as MNIST"),
]


@pytest.mark.parametrize(("arguments", "message"), MISTAKES, ids=lambda part: str(part)[-40:])
def test_a_mistake_exits_with_2_says_why_and_writes_nothing(
    arguments, message, tmp_path, monkeypatch
) -> None:
    """A mistake costs a second."""
    monkeypatch.chdir(tmp_path)

    result = invoke(*arguments, "--out", "out")

    assert result.exit_code == 2, result.output
    assert message in " ".join(result.output.split())
    assert list(tmp_path.iterdir()) == []


def test_a_training_without_epochs_cannot_be_made_equal(tmp_path) -> None:
    """A budget that cannot be told is no budget."""
    mine = recipe(tmp_path, "mine", generations=2, population=1, training={"use": "none"})

    result = invoke(mine)

    assert result.exit_code == 2
    assert "training 'none' has no option 'epochs'" in " ".join(result.output.split())


def test_a_name_that_a_folder_of_the_comparison_has_is_refused(tmp_path) -> None:
    """Two runs must never share a folder."""
    mine = recipe(tmp_path, "dense-0", generations=2, population=1)

    result = invoke(mine, "--out", tmp_path / "out")

    assert result.exit_code == 2
    assert "do not have names of their own" in " ".join(result.output.split())


def test_a_file_in_the_place_of_the_folder_is_left_alone(tmp_path) -> None:
    """What somebody wrote is worth more than a table."""
    mine = recipe(tmp_path, "mine", generations=2, population=1)

    result = invoke(mine, "--seeds", "1", "--out", mine)

    assert result.exit_code == 2
    assert "holds something, but no comparison" in " ".join(result.output.split())


def test_a_folder_with_other_things_is_left_alone(tmp_path) -> None:
    """Nobody's files are mixed with ours."""
    mine = recipe(tmp_path, "mine", generations=2, population=1)

    result = invoke(mine, "--seeds", "1", "--out", tmp_path)

    assert result.exit_code == 2
    assert "but no comparison" in " ".join(result.output.split())
    assert json.dumps([file.name for file in tmp_path.iterdir()]) == '["mine.toml"]'
