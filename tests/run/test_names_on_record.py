"""Records name strategies so that exactly these are found again, wherever a run is moved."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import evoframe
from evoframe.config import files
from evoframe.errors import ConfigError
from evoframe.run.disk.folder import RunFolder
from evoframe.run.disk.record import RECORD, open_recipe, read_record, require_same_ancestor

BLOBS = Path(__file__).parents[1] / "support" / "blobs.py"

PLUGIN = '''
import attrs
from evoframe.plugin import Uniform, hookimpl

@attrs.frozen
class Own(Uniform):
    """An encoding with the name of another."""

    name = "uniform"

@hookimpl
def evoframe_encodings():
    return [Own]
'''


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a plugin, a task and a run of both."""
    home = tmp_path_factory.mktemp("home")
    (home / "own.py").write_text(PLUGIN)
    shutil.copy(BLOBS, home / "task.py")
    evoframe.evolve(
        f"{home}/task.py:Blobs",
        out=home / "runs" / "run",
        encoding=f"{home}/own.py:uniform",
        plugins=[f"{home}/own.py"],
        generations=2,
        device="cpu",
        options=["training.epochs=1", "ancestor.epochs=1"],
    )
    return home


def test_a_record_holds_qualified_names_and_near_paths(home: Path) -> None:
    tables = files.parse((home / "runs" / "run" / "run.toml").read_text(), "run.toml")

    assert tables["heredity"]["use"] == "evoframe:asexual"
    assert tables["encoding"]["use"] == "../../own.py:uniform"
    assert tables["task"]["use"] == "../../task.py:Blobs"
    assert tables["run"]["plugins"] == ["../../own.py"]


def test_a_run_is_read_where_its_files_are_or_were(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Moved with them, or away from them; and a file that is nearer counts."""
    together = shutil.copytree(home, tmp_path / "together")
    alone = shutil.copytree(home / "runs" / "run", tmp_path / "alone" / "run")
    monkeypatch.chdir(tmp_path)

    for run, folder in ((together / "runs" / "run", together), (alone, home)):
        recipe, changed = open_recipe(RunFolder(run))
        assert type(recipe.encoding).__name__ == "Own"
        assert read_record(RunFolder(run))["encoding"]["use"] == f"{folder}/own.py:uniform"
        assert changed == []
        assert evoframe.resume(run).network()

    (together / "own.py").write_text(PLUGIN.replace("An encoding", "Another encoding"))
    (said,) = open_recipe(RunFolder(together / "runs" / "run"))[1]
    assert said.startswith("encoding was uniform of own.py with content")


def test_older_records_with_bare_names_are_read(home: Path, tmp_path: Path) -> None:
    """A bare name was a built-in strategy's, or one of whoever alone had it."""
    run = shutil.copytree(home / "runs" / "run", tmp_path / "run")
    tables = read_record(RunFolder(run))
    del tables[RECORD]["files"]
    for name, held in tables.items():
        for entry in held if isinstance(held, list) else [held]:
            if str(entry.get("use", "")).startswith("evoframe:"):
                entry["use"] = entry["use"].removeprefix("evoframe:")
                assert name != "encoding"
    (run / "run.toml").write_text(files.write(tables))

    recipe, changed = open_recipe(RunFolder(run))

    assert (type(recipe.encoding).__name__, recipe.heredity.name) == ("Own", "asexual")
    assert changed == []
    require_same_ancestor(recipe, read_record(RunFolder(home / "runs" / "run")), RunFolder(run))


def test_a_recipe_replaces_what_is_the_same_strategy_by_another_name() -> None:
    """Its options are kept."""
    tables = {"encoding": {"use": "evoframe:synaptic", "temperature": 0.5}}

    assert files.chosen(tables, "encoding", ["synaptic"]) == tables
    other = files.chosen(tables, "encoding", ["mine:synaptic"])
    assert other == {"encoding": {"use": "mine:synaptic"}}


def test_a_file_that_is_gone_is_told_by_its_path(home: Path, tmp_path: Path) -> None:
    run = shutil.copytree(home / "runs" / "run", tmp_path / "run")
    tables = read_record(RunFolder(run))
    tables["run"]["plugins"] = [str(tmp_path / "gone.py")]
    (run / "run.toml").write_text(files.write(tables))

    with pytest.raises(ConfigError, match=r"there is no file .*gone\.py"):
        open_recipe(RunFolder(run))
