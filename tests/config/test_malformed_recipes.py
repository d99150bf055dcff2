"""Recipes of the wrong shape, and options that used to be read as something else."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import Any, Literal

import attrs
import pytest
from click.testing import CliRunner

import evoframe
from evoframe import hookimpl
from evoframe.cli import main
from evoframe.config import files, references
from evoframe.config.values import structure
from evoframe.errors import ConfigError, OfferError
from evoframe.registry import describe
from evoframe.registry.file_names import reference_to
from evoframe.roles import Observer, doc
from evoframe.strategies.encoding import Uniform

BLOBS = f"{Path(__file__).parents[1] / 'support' / 'blobs.py'}:Blobs"
TASK = f'[task]\nuse = "{BLOBS}"\n'

SHAPES = [
    ("run = 3\n" + TASK, [], "[run] is 3; wanted a table"),
    ("[[run]]\nseed = 1\n" + TASK, [], "[run] is [{'seed': 1}]; wanted a table"),
    ('[run]\nplugins = "x.py"\n' + TASK, [], "run.plugins: wanted a list, found 'x.py'"),
    ('[run]\nplugins = "x.py"\n' + TASK, ["-p", "y.py"], "run.plugins: wanted a list"),
    ("[run]\nplugins = [3]\n" + TASK, [], "run.plugins: wanted text, found 3"),
    ('[run]\nrequires = "attrs"\n' + TASK, [], "run.requires: wanted a list, found 'attrs'"),
    (TASK, ["-o", "run.plugins=3"], "run.plugins: wanted a list, found 3"),
    ('encoding = "uniform"\n' + TASK, ["--encoding", "uniform"], "[encoding] is 'uniform'; wanted"),
    ('encoding = "uniform"\n' + TASK, ["-o", "encoding.x=1"], "[encoding] is 'uniform'; wanted"),
    ("environment = [1]\n" + TASK, ["--environment", "retention"], "[environment[0]] is 1; wanted"),
    ("environment = [1]\n" + TASK, ["-o", "environment.x=1"], "[environment] is 1; wanted"),
]


@pytest.mark.parametrize(("text", "arguments", "message"), SHAPES)
def test_a_recipe_of_the_wrong_shape_is_refused_in_words(
    text: str,
    arguments: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A recipe is written by hand, so its mistakes deserve a sentence and not a traceback."""
    monkeypatch.chdir(tmp_path)
    Path("mine.toml").write_text(text, "utf-8")

    result = CliRunner().invoke(main, ["evolve", "--recipe", "mine.toml", *arguments])

    assert result.exit_code == 2, repr(result.exception)
    assert message in result.stderr
    assert [file.name for file in tmp_path.iterdir()] == ["mine.toml"]


def test_strategies_named_again_keep_their_own_options_in_order() -> None:
    """Two environments of one kind are two; naming both must not make them equal."""
    pair = [{"use": "retention", "retention": 0.9}, {"use": "retention", "retention": 0.8}]

    named = files.chosen({"environment": pair}, "environment", ["retention"] * 3)

    assert named["environment"] == [*pair, {"use": "retention"}]
    changed = files.assigned(named, "environment[0].retention=0.1")["environment"]
    assert [one.get("retention") for one in changed] == [0.1, 0.8, None]
    assert pair[0]["retention"] == 0.9


def test_plugins_of_a_recipe_file_are_taken_from_its_folder(tmp_path: Path) -> None:
    """A recipe and its plugin move together, as a recipe and its task do."""
    (tmp_path / "mine.toml").write_text('[run]\nplugins = ["p.py", "some.module"]\n', "utf-8")

    tables = files.read_recipe(str(tmp_path / "mine.toml"))

    assert tables["run"]["plugins"] == [str((tmp_path / "p.py").resolve()), "some.module"]


class Metal(enum.Enum):
    IRON = 1


@attrs.frozen
class Odd(Uniform):
    """Has options of [every] kind."""

    name = "odd"
    beta2: float = attrs.field(default=0.5, metadata=doc("one of [low] or [high]"))
    count: Literal[1, 2] = attrs.field(default=1, metadata=doc("a number"))
    metal: Metal = attrs.field(default=Metal.IRON, metadata=doc("a metal"))
    words: tuple[str, ...] = attrs.field(default=("a",), metadata=doc("words"))
    flags: tuple[bool, ...] = attrs.field(default=(True,), metadata=doc("flags"))
    pattern: str = attrs.field(default='a\\b"\n', metadata=doc("text that needs escapes"))
    twice: float = attrs.field(metadata=doc("twice beta2"))

    @twice.default
    def _twice(self) -> float:
        return 2 * self.beta2


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"words": "abc"}, "odd.words: wanted a list, found 'abc'."),
        ({"words": {"a": 1}}, "odd.words: wanted a list"),
        ({"words": ["a", 1]}, "odd.words: wanted text, found 1."),
        ({"count": True}, "odd.count: wanted one of 1, 2, found True."),
        ({"count": 1.0}, "odd.count: wanted one of 1, 2, found 1.0."),
        ({"metal": True}, "odd.metal: wanted one of 1, found True."),
    ],
)
def test_a_value_of_a_similar_type_is_not_taken_for_the_wanted_one(
    table: dict[str, Any], message: str
) -> None:
    """Text is no list of letters, and true is not 1, however alike they are to Python."""
    with pytest.raises(ConfigError) as caught:
        structure(table, Odd, "odd")
    assert message in str(caught.value)
    assert not str(caught.value).endswith("..")


def test_the_snippet_of_a_strategy_means_its_defaults() -> None:
    """What ``evoframe strategies`` prints is there to be pasted into a recipe."""
    table = files.parse(describe.toml_snippet(Odd), "snippet")["encoding"]

    assert table.pop("use") == "odd"
    assert "twice" not in table
    assert structure(table, Odd, "encoding") == Odd()


PLUGIN = """
from evoframe import hookimpl
from evoframe.config.references import resolve
Odd = resolve({here!r} + ":Odd", "encoding")
@hookimpl
def evoframe_encodings():
    return [Odd]
"""


def test_brackets_are_printed_as_they_are(tmp_path: Path) -> None:
    """Help texts, defaults and paths may hold brackets, which the terminal takes for colours."""
    folder = tmp_path / "in[bold]" / "[/x]"
    folder.mkdir(parents=True)
    plugin = folder / "p.py"
    plugin.write_text(PLUGIN.format(here=__file__), "utf-8")

    shown = CliRunner().invoke(main, ["strategies", "encoding", "odd", "-p", str(plugin)])
    listed = CliRunner().invoke(main, ["plugins", "-p", str(plugin)])
    choices = ["--task", BLOBS, "-p", str(plugin), "--encoding", "odd", "--generations", "1"]
    options = ["-o", "encoding.beta2=0.25", "-o", "training.epochs=1"]
    out = ["--out", str(folder / "run")]
    ran = CliRunner().invoke(main, ["evolve", *choices, *options, *out])

    for result in (shown, listed, ran):
        assert result.exit_code == 0, repr(result.exception)
    assert "one of [low] or [high]" in shown.stdout
    assert "[true]" in shown.stdout
    assert f"(from {plugin})" in shown.stdout
    assert "in[bold]/[/x]/p.py" in listed.stdout  # a long path is folded before that
    assert f"run:  {folder / 'run'}" in ran.stdout
    assert "beta2 = 0.25" in (folder / "run" / "run.toml").read_text("utf-8")


FUNCTIONS = """
import sys
def needs(x): ...
def fails(): raise OSError("no data")
def exits(): sys.exit(0)
class Outer: ...
"""


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("needs", "raised TypeError: needs() missing 1 required"),
        ("fails", "raised OSError: no data"),
        ("exits", "raised SystemExit: 0"),
        ("Outr", "Did you mean 'Outer'?"),
    ],
)
def test_a_reference_that_cannot_be_made_is_refused(
    name: str, message: str, tmp_path: Path
) -> None:
    """Above all, one that exits with 0 must not look like a finished run."""
    file = tmp_path / "mine.py"
    file.write_text(FUNCTIONS, "utf-8")

    with pytest.raises(ConfigError) as caught:
        references.resolve(f"{file}:{name}", "task")

    assert message in str(caught.value)


class Outer:
    class Inner(Uniform):
        """Cannot be named in a recipe."""


def test_a_class_within_a_class_is_not_given_a_reference_that_nobody_can_follow() -> None:
    """The record must say honestly that it cannot rebuild what it cannot name."""
    assert reference_to(Outer.Inner) is None
    assert reference_to(Odd) is not None


@attrs.frozen(eq=False)
class Deaf(Observer):
    """Misspells what it listens to."""

    name = "deaf"

    @hookimpl
    def evoframe_epoch_finshed(self, event):
        raise NotImplementedError


@attrs.frozen(eq=False)
class Greedy(Observer):
    """Wants what the hook does not give."""

    name = "greedy"

    @hookimpl
    def evoframe_epoch_finished(self, loss):
        raise NotImplementedError


@pytest.mark.parametrize(("observer", "reason"), [(Deaf, "Did you mean"), (Greedy, "takes loss")])
def test_an_observer_made_in_python_is_checked_before_the_run_begins(
    observer: type[Observer], reason: str, tmp_path: Path
) -> None:
    """It deserves the same words as one from a plugin, and a refused run leaves no folder."""
    with pytest.raises(OfferError, match=reason):
        evoframe.evolve(BLOBS, observer=[observer()], out=tmp_path / "run", generations=1)
    assert list(tmp_path.iterdir()) == []
