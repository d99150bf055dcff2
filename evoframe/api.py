"""evoframe from Python: the same as on the command line, with your own objects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from torch import nn

from evoframe.config.recipe import Recipe
from evoframe.config.request import Request, by_table
from evoframe.errors import ConfigError
from evoframe.kernel import wanted
from evoframe.roles import ROLE_TABLES, Strategy
from evoframe.run import sessions, starting
from evoframe.run.asking import Session
from evoframe.run.run import Run

OPTION = "training.epochs=6"
"""How an option is written."""


def evolve(
    task: Strategy | str | None = None,
    *,
    recipe: str | Path | Mapping[str, Any] | Recipe | None = None,
    out: str | Path | None = None,
    options: Sequence[str] = (),
    **choices: Any,
) -> Run:
    """Evolve a network and return the run.

    Args:
        task: a task, its name, or a reference (``file.py:Name``); the recipe's if not given.
        recipe: a built-in recipe's name, a ``.toml`` file, tables, or a ready recipe.
        out: the run folder; a new one under ``runs/`` if not given.
        options: changes as on the command line, e.g. ``"encoding.temperature=0.1"``.
        **choices: for each role a strategy or its name (a list where it takes several), e.g.
            ``encoding="magnitude"``; and options of the run, e.g. ``generations=4``, ``seed=1``.
            With ``observer="console"`` it shows its progress.

    Returns:
        The finished run: ``run.best``, ``run.network()``, ``run.lineage(id)``.

    Raises:
        EvoframeError: what is wrong; nothing is written before recipe, task and device are sound.

    >>> run = evoframe.evolve(
    ...     task,
    ...     encoding="cluster",
    ...     options=["encoding.of=bundle", "environment.retention=0.5"],
    ...     generations=3,
    ...     out="first",
    ... )
    >>> run.best.id, run.best.fitness.costs["parameters"] < 178
    ('g3s0', True)
    """
    options = wanted.texts("options", options, OPTION)
    if isinstance(task, nn.Module):
        raise ConfigError(
            f"the task is the network {type(task).__name__}; wanted a task around it: evolve("
            "evoframe.task(network=network, train=loader, validation=loader, loss=function), ...)."
        )
    if task is not None:
        choices["task"] = task
    request = Request(recipe, choices=choices, options=options)
    asked = request.resolve()
    path = new_folder(request.name or "run") if out is None else wanted.path("out", out)
    starting.start(asked.recipe, asked.registry, path)
    return Run(path, asked.ready)


def resume(
    path: str | Path, *, changes: Sequence[str] = (), repair: bool = False, **ready: Any
) -> Run:
    """Resume a run, however it ended, and return it.

    Args:
        path: the run folder.
        changes: assignments, as ``"run.generations=9"``, that change the recipe from the next
            generation on, which is recorded.
        repair: first repair damaged files.
        **ready: strategies that were made in Python when the run began, by role, e.g. ``task=...``;
            that of the ancestor's training by ``ancestor``.

    Raises:
        ResumeError: something that determines its results differs here.
        EvoframeError: any other error; the run is unchanged.

    >>> evoframe.resume("first", task=task, changes=["run.generations=4"]).ending
    'generation 4 was the last one asked for'
    """
    changes = wanted.texts("changes", changes, "run.generations=9")
    given, folder = by_table(ready), wanted.path("path", path)
    starting.resume(folder, ready=given, changes=changes, repair=repair)
    return Run(folder, given)


def ask_tell(
    task: Strategy | str | None = None,
    *,
    recipe: str | Path | Mapping[str, Any] | None = None,
    out: str | Path,
    options: Sequence[str] = (),
    **choices: Any,
) -> Session:
    """Evolve a network with your own training loop, which asks for newborns and reports results.

    The run does everything except training: selection, heredity, DNA, pressure, the journal.
    Individuals may be trained on several devices, by another library or through a queue. If the
    folder contains this very run, it is continued.

    Args:
        task: as of :func:`evolve`; the ancestor is asked for first, to be measured if
            it comes trained.
        recipe: a built-in recipe's name, a ``.toml`` file or tables; their training has no
            effect here, nor has that of the ancestor.
        out: the run folder.
        options: changes as on the command line.
        **choices: as of :func:`evolve`, but for ``training``.

    Returns:
        The session: ``session.ask()``, ``session.tell(id, network, metrics)``, ``session.run``.

    Raises:
        EvoframeError: what is wrong; nothing is written before recipe, task and device are sound.

    >>> with evoframe.ask_tell(task, generations=2, population=2, out="asked") as session:
    ...     for asked in session:
    ...         optimiser = torch.optim.SGD(asked.network.parameters(), 0.1)
    ...         for _ in range(20):
    ...             loss = nn.functional.cross_entropy(asked.network(inputs), targets)
    ...             optimiser.zero_grad()
    ...             loss.backward()
    ...             optimiser.step()
    ...         lives = session.tell(asked.id, asked.network)
    >>> [one.id for one in session.run.individuals]
    ['g1s0', 'g2s0', 'g2s1']
    """
    if taken := [name for name in ("training", "ancestor") if name in choices]:
        raise ConfigError(f"{taken[0]} has no effect here: whoever asks trains. Leave it out.")
    options = wanted.texts("options", options, OPTION)
    said = Request(recipe, choices={**choices, "task": task}, options=options)
    tables = {name: one for name, one in said.tables().items() if name != "ancestor"}
    ready = {name: one for name, one in said.choices.items() if name in ROLE_TABLES}
    asked = Request(tables, choices={**ready, "training": sessions.ELSEWHERE}).resolve()
    return sessions.begin(asked.recipe, asked.registry, wanted.path("out", out), asked.ready)


def open_run(path: str | Path, **ready: Any) -> Run:
    """Return a run for reading; ``ready`` as for :func:`resume`.

    Raises:
        RunError: there is none.
        LaterFormatError: a later version of evoframe wrote it.

    >>> [one.id for one in evoframe.open_run("first").individuals]
    ['g1s0', 'g2s0', 'g3s0', 'g4s0']
    """
    return Run(wanted.path("path", path), by_table(ready))


def new_folder(name: str) -> Path:
    """Return a path under ``runs/`` that does not exist yet."""
    stem = f"{name}-{datetime.now(UTC):%Y%m%d-%H%M%S}"
    path, number = Path("runs", stem), 1
    while path.exists():
        number += 1
        path = Path("runs", f"{stem}-{number}")
    return path
