"""Whole runs of a specimen, in a folder that is gone afterwards."""

from __future__ import annotations

import io
import tempfile
from contextlib import redirect_stderr, redirect_stdout
from functools import lru_cache
from pathlib import Path
from typing import Any

import attrs

from evoframe import api
from evoframe.roles import ROLES, Strategy
from evoframe.run.disk.folder import RunFolder
from evoframe.run.disk.journal import Journal
from evoframe.testing.prepared import small

QUICK: dict[str, Any] = {
    "run": {"seed": 1, "generations": 7, "population": 2, "device": "cpu"},
    "task": {"use": "evoframe.testing.specimens:Specimen", "width": 6},
    "heredity": {"use": "asexual"},
    "training": {"use": "gradient", "epochs": 1},
    "environment": [{"use": "retention", "retention": 0.9}],
}
"""A recipe that takes some tenths of a second."""

SHORT = {
    "task": {"generations": 2, "population": 1},
    "executor": {"generations": 2, "population": 7},
}
"""What a run of the roles is instead that may take long: of a task, and where lives are lived."""


@attrs.frozen
class WhatHappened:
    """What there is to know of a run that is over.

    Attributes:
        digest: of all its individuals.
        alive: how many of them lived.
        stillborn: why the others did not.
        disabled: observers that raised, with their exceptions.
    """

    digest: str
    alive: int
    stillborn: tuple[str, ...]
    disabled: tuple[str, ...]


def one_run(
    strategy: Strategy | None = None, *, like: str = "", encoding: str = "synaptic"
) -> WhatHappened:
    """Run the quick recipe, with a strategy in place of the one that it names for that role.

    What an observer prints is swallowed. Several checks look at the same run, so it is kept.

    Args:
        strategy: the one that is tried; a run of built-in ones if not given.
        like: the role whose kind of run it is, if no strategy says that.
        encoding: its built-in company, if it is no encoding itself.
    """
    role = strategy.role if strategy is not None else like
    try:
        return _kept_run(strategy, role, encoding)
    except TypeError:  # it cannot be hashed, which is for another check to say
        return _run(strategy, role, encoding)


def _run(strategy: Strategy | None, role: str, encoding: str) -> WhatHappened:
    given: dict[str, Any] = {}
    if strategy is not None:
        strategy = small(strategy)
        given[strategy.role] = [strategy] if ROLES[strategy.role].several else strategy
    tables = {**QUICK, "encoding": {"use": encoding}}
    tables = {name: table for name, table in tables.items() if name not in given}
    tables["run"] = QUICK["run"] | SHORT.get(role, {})
    if "task" in given:  # a real one may be large: it is enough to see that it can be evolved
        tables["training"] = {"use": "none", "batches": 1}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run"
        # Observers print, and a check's own report would drown in it.
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            run = api.evolve(recipe=tables, out=path, **given)
        individuals = run.individuals
        return WhatHappened(
            digest=run.digest(),
            alive=sum(one.is_alive for one in individuals),
            stillborn=tuple(one.stillborn for one in individuals if not one.is_alive),
            disabled=_disabled(path),
        )


_kept_run = lru_cache(maxsize=32)(_run)


def _disabled(path: Path) -> tuple[str, ...]:
    journal = Journal(RunFolder(path).journal, writable=False)
    try:
        events = journal.events("observer_disabled")
    finally:
        journal.close()
    return tuple(f"{event['observer']}: {event['reason']}" for event in events)
