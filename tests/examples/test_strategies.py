"""Strategies that keep notes and state: killed or elsewhere, their runs come out the same."""

from __future__ import annotations

import contextlib
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar

import attrs
import pytest

import evoframe
from evoframe import hookimpl
from evoframe.plugin import Observer
from evoframe.registry.loading import import_plugin
from evoframe.testing import checks_for
from evoframe.testing.catalogue import NotTried

ROOT = Path(__file__).parents[2]
HERE = ROOT / "examples" / "strategies"
BLOBS = f"{ROOT / 'tests' / 'support' / 'blobs.py'}:Blobs"

RECIPES: dict[str, dict[str, Any]] = {
    "bandit": {"mutation": ["Bandit"]},
    "islands": {"selection": "Islands", "environment": ["Climates"]},
    "self_adaptive": {"environment": ["SelfAdaptive"]},
    "cma_retention": {"environment": ["CmaRetention"]},
    "prescreening": {"environment": ["Prescreened"]},
    "novelty": {"training": "Portrayed", "selection": "Novelty"},
}
"""What is chosen of each file."""

ELSEWHERE = ("halving",)
"""Those that are tried by ``tests/run/test_heats.py``."""

MILD = {
    "bandit": ["environment[0].retention=0.96"],
    "islands": ["environment[0].shares=[0.94, 0.96, 0.98]"],
    "self_adaptive": ["environment[0].start=0.97", "environment[0].rate=0.1"],
    "cma_retention": ["environment[0].start=0.97"],
    "prescreening": ["environment[0].least=0.93"],
    "novelty": ["environment[0].retention=0.96"],
}
"""So soft a pressure that a small network lives for thirty generations."""

NEEDS = {"cma_retention": "cmaes"}

SAID = {
    "bandit": "arm",
    "islands": "island",
    "self_adaptive": "share",
    "cma_retention": "odds",
    "prescreening": "shares",
    "novelty": "portrait",
}
"""A note that offspring carry."""


@attrs.frozen(eq=False)
class Killer(Observer):
    """Ends the run while generation 8 is lived."""

    name: ClassVar[str] = "killer"

    @hookimpl
    def evoframe_individual_evaluated(self, event):
        if event.individual.id == "g8s0":
            raise KeyboardInterrupt


def require(name: str) -> None:
    """Skip the test where the library of an example is missing."""
    needed = NEEDS.get(name, "evoframe")
    if find_spec(needed) is None:
        pytest.skip(f"{needed} is not installed")


def evolve(name: str, out: Path, generations: int, **choices: Any) -> evoframe.Run:
    """Return a run of an example."""
    require(name)
    chosen = {
        role: [f"{HERE / name}.py:{one}" for one in what]
        if isinstance(what, list)
        else f"{HERE / name}.py:{what}"
        for role, what in RECIPES[name].items()
    }
    settings = {
        "task": BLOBS,
        "generations": generations,
        "population": 3,
        "heredity": "asexual",
        "mutation": ["regrowth"],
        "selection": "truncation",
        "environment": ["retention"],
    }
    options = ["training.epochs=1", "task.hidden=32", *MILD[name]]
    if "mutation" not in RECIPES[name]:
        options.append("mutation[0].rate=0.2")
    return evoframe.evolve(out=out, options=options, **{**settings, **chosen, **choices})


def test_every_example_is_here() -> None:
    """An example that is not tried is soon wrong."""
    assert {path.stem for path in HERE.glob("*.py")} == {*RECIPES, *ELSEWHERE}


@pytest.mark.parametrize("name", [*RECIPES, *ELSEWHERE])
def test_the_example_is_short(name: str) -> None:
    """Whoever opens it wants to see it at a glance."""
    code = [line for line in (HERE / f"{name}.py").read_text().splitlines() if line.strip()]

    assert len(code) <= 80


@pytest.mark.slow
@pytest.mark.parametrize("name", RECIPES)
def test_killed_after_seven_of_thirty_generations_it_ends_the_same(name, tmp_path) -> None:
    """Notes and state are read from the record as they were kept in memory."""
    whole = evolve(name, tmp_path / "whole", 30)
    with pytest.raises(KeyboardInterrupt):
        evolve(name, tmp_path / "killed", 30, observer=[Killer()])
    killed = evoframe.resume(tmp_path / "killed", observer=[])

    assert killed.digest() == whole.digest()
    last = [one for one in whole.individuals if one.generation == 30]
    assert len(last) == 3
    assert all(SAID[name] in one.notes for one in last)
    assert str(killed.states()) == str(whole.states())


@pytest.mark.slow
@pytest.mark.parametrize("name", RECIPES)
def test_in_other_processes_it_comes_out_the_same(name, tmp_path) -> None:
    """Workers read notes and state from the record."""
    serial = evolve(name, tmp_path / "serial", 3)

    assert evolve(name, tmp_path / "spread", 3, executor="processes").digest() == serial.digest()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "strategy"),
    [
        (name, one)
        for name, roles in RECIPES.items()
        for what in roles.values()
        for one in (what if isinstance(what, list) else [what])
    ],
)
def test_the_example_keeps_the_promises_of_its_role(name, strategy, monkeypatch) -> None:
    """What people copy conforms."""
    monkeypatch.setenv("EVOFRAME_EXAMPLES", "3")
    require(name)
    made = getattr(import_plugin(str(HERE / f"{name}.py")), strategy)()

    for check in checks_for(made):
        with contextlib.suppress(NotTried):
            check(made)
