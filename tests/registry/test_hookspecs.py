"""The contract keeps its word: every hook is described, and what is written for it works."""

from __future__ import annotations

import contextlib
import inspect
import textwrap
import tomllib
from pathlib import Path

import pytest

import evoframe
from evoframe import hookspecs
from evoframe.plugin import Fittest
from evoframe.registry import load_registry
from evoframe.registry.checking import HOOKS
from evoframe.roles import ROLES
from evoframe.testing.scaffold import example_of

BLOBS = f"{Path(__file__).parents[1] / 'support' / 'blobs.py'}:Blobs"
OFFERS = {role.hook: role for role in ROLES.values()}
TOLD = [name for name in HOOKS if name not in OFFERS and name != "evoframe_phase"]
"""The hooks that tell an observer of an event."""
WRITTEN_OUT = ("evoframe_tasks", "evoframe_run_started", "evoframe_phase")
"""One hook of each kind."""


def text_of(hook: str) -> str:
    return inspect.cleandoc(getattr(hookspecs, hook).__doc__)


def written_out(hook: str) -> str:
    return textwrap.dedent(text_of(hook).split("Example::\n")[1]).strip() + "\n"


def run_with(role: str, name: str, file: Path, out: Path) -> evoframe.Run:
    """Run a recipe of two generations that names a strategy of a file."""
    choice = [name] if ROLES[role].several else name
    choices = {"task": BLOBS, "mutation": ["noise"], role: choice}
    if role == "nurture":
        choices["training"] = "gradient"
    return evoframe.evolve(
        out=out,
        generations=2,
        options=[] if role == "training" else ["training.epochs=1"],
        plugins=[str(file)],
        ancestor="gradient",
        **choices,
    )


@pytest.mark.parametrize("hook", HOOKS)
def test_the_hook_says_what_an_author_needs(hook: str) -> None:
    """Kind and moment, what is given, returned and refused, in the same order everywhere."""
    parts = ["Kind:", "when:", "Args:", "Returns:", "Mistakes:", "Example::", "@hookimpl"]
    text, signature = text_of(hook), inspect.signature(getattr(hookspecs, hook))

    found = [part for part in parts if part in text]
    assert [text.find(part) for part in found] == sorted(text.find(part) for part in found)
    assert {"Kind:", "when:"} <= set(found)
    assert ("Args:" in found) == bool(signature.parameters)
    assert ("Returns:" in found) == (signature.return_annotation not in ("None", "'None'"))
    assert ("Mistakes:" in found) == (hook in OFFERS)
    assert ("Example::" in found) == (hook in WRITTEN_OUT)


@pytest.mark.parametrize("hook", WRITTEN_OUT)
def test_what_is_written_out_is_a_working_plugin(hook: str, tmp_path: Path, capsys) -> None:
    """Whoever copies it has a plugin that loads, and a strategy that works in a run."""
    file = tmp_path / "example.py"
    file.write_text(written_out(hook))
    role, _, name = load_registry([str(file)]).plugins[-1].offers[0].partition("/")

    run = run_with(role, name, file, tmp_path / "run")

    assert run.ending
    assert (role == "observer") == bool(capsys.readouterr().out)


def test_the_contract_and_the_scaffold_show_the_same_task() -> None:
    """There is one example a role, wherever people meet it."""
    _, _, scaffold = example_of("task").partition('"""\n\n')

    assert written_out("evoframe_tasks").replace("'''", '"""') == scaffold.replace("\n\n\n", "\n\n")


@pytest.mark.parametrize("role", ROLES)
def test_the_example_of_a_role_is_a_working_plugin(role: str, tmp_path: Path, capsys) -> None:
    """It is what `evoframe new` begins with, and what the reference shows for the hook."""
    file = tmp_path / "example.py"
    file.write_text(example_of(role))
    (offer,) = load_registry([str(file)]).plugins[-1].offers

    run = run_with(role, offer.removeprefix(f"{role}/"), file, tmp_path / "run")

    assert f"def {ROLES[role].hook}():" in example_of(role)
    assert run.ending
    assert len(run.individuals) == 2
    with contextlib.suppress(KeyError):
        assert run.best.fitness.value("accuracy") >= 0
    assert (role == "observer") == bool(capsys.readouterr().out)


def test_every_lifecycle_hook_reaches_an_observer_that_has_it(tmp_path: Path, capsys) -> None:
    """Each is told of what the contract says, by its name."""
    pattern = written_out("evoframe_run_started")
    files = [tmp_path / f"{hook}.py" for hook in TOLD]
    for hook, file in zip(TOLD, files, strict=True):
        told = f'print("told", "{hook}", type(event).__name__)'
        source = pattern.replace("evoframe_run_started", hook).replace("print(event.path)", told)
        file.write_text(source.replace('"watcher"', f'"{hook.replace("_", "-")}"'))

    evoframe.evolve(
        BLOBS,
        out=tmp_path / "run",
        generations=2,
        mutation="noise",
        litter=Fittest(size=2),
        observer=[hook.replace("_", "-") for hook in TOLD],
        options=["training.epochs=1"],
        plugins=list(map(str, files)),
    )

    lines = {line for line in capsys.readouterr().out.splitlines() if line.startswith("told")}
    assert lines == {
        f"told {hook} {inspect.signature(getattr(hookspecs, hook)).parameters['event'].annotation}"
        for hook in TOLD
    }


def test_a_run_can_be_made_of_foreign_strategies_only(tmp_path: Path) -> None:
    """Somebody who has copied every example names them all in one recipe."""
    files, choices = [], {}
    for name, role in ROLES.items():
        file = tmp_path / f"{name}.py"
        file.write_text(example_of(name))
        files.append(str(file))
        (offer,) = load_registry([str(file)], entry_points=False).plugins[-1].offers
        strategy = offer.removeprefix(f"{name}/")
        choices[name] = [strategy] if role.several else strategy

    run = evoframe.evolve(out=tmp_path / "run", generations=3, plugins=files, **choices)

    record = tomllib.loads((tmp_path / "run" / "run.toml").read_text())["record"]["strategies"]
    assert run.ending
    assert len(record) == len(ROLES)
    assert all("with content" in origin for origin in record.values())
