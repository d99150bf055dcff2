"""The contract keeps its word: every hook is described, and its example works."""

from __future__ import annotations

import contextlib
import inspect
import textwrap
import tomllib
from pathlib import Path

import pytest

import evoframe
from evoframe import hookspecs
from evoframe.registry import load_registry
from evoframe.roles import ROLES

BLOBS = f"{Path(__file__).parents[1] / 'support' / 'blobs.py'}:Blobs"
HOOKS = sorted(name for name in vars(hookspecs) if name.startswith("evoframe_"))


def example_of(hook: str) -> str:
    text = inspect.cleandoc(getattr(hookspecs, hook).__doc__)
    return textwrap.dedent(text.split("Example::\n")[1])


@pytest.mark.parametrize("hook", HOOKS)
def test_the_hook_says_what_an_author_needs(hook: str) -> None:
    """Kind, moment and a worked plugin, in the same order everywhere."""
    text = inspect.cleandoc(getattr(hookspecs, hook).__doc__)

    places = [text.find(part) for part in ("Kind:", "Example::", "@hookimpl")]
    assert -1 not in places
    assert places == sorted(places)
    returns = inspect.signature(getattr(hookspecs, hook)).return_annotation
    assert ("Returns:" in text) == (returns not in ("None", "'None'"))


@pytest.mark.parametrize("hook", HOOKS)
def test_the_example_of_the_hook_is_a_working_plugin(hook: str, tmp_path: Path, capsys) -> None:
    """Whoever copies it has a plugin that loads, and a strategy that works in a run."""
    file = tmp_path / "example.py"
    file.write_text(example_of(hook))
    registry = load_registry([str(file)])
    (name,) = registry.plugins[-1].offers
    role, _, strategy = name.partition("/")
    if hook in (one.hook for one in ROLES.values()):
        assert ROLES[role].hook == hook
    else:
        assert hasattr(registry.find(role, strategy).strategy, hook)
    choice = [strategy] if ROLES[role].several else strategy
    slots = {"task": BLOBS, "mutation": ["noise"], role: choice}
    if role == "nurture":
        slots["training"] = "gradient"

    run = evoframe.evolve(
        out=tmp_path / "run",
        generations=2,
        options=[] if role == "training" else ["training.epochs=1"],
        plugins=[str(file)],
        ancestor="gradient",
        **slots,
    )

    assert run.finished
    assert len(run.individuals) == 2
    with contextlib.suppress(KeyError):
        assert run.best.fitness.value("accuracy") >= 0
    if role == "observer":
        assert capsys.readouterr().out


def test_a_run_can_be_made_of_foreign_strategies_only(tmp_path: Path) -> None:
    """Somebody who has copied every example names them all in one recipe."""
    files, slots = [], {}
    for role, row in ROLES.items():
        file = tmp_path / f"{role}.py"
        file.write_text(example_of(row.hook))
        files.append(str(file))
        offered = load_registry([str(file)], entry_points=False).plugins[-1].offers
        name = offered[0].partition("/")[2]
        slots[role] = [name] if row.several else name

    run = evoframe.evolve(out=tmp_path / "run", generations=3, plugins=files, **slots)

    record = tomllib.loads((tmp_path / "run" / "run.toml").read_text())["record"]["strategies"]
    assert run.finished
    assert len(record) == len(ROLES)
    assert all("with content" in origin for origin in record.values())
