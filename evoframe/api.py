"""evoframe from Python: the same as on the command line, with your own objects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from inspect import isclass
from pathlib import Path
from typing import Any

from evoframe.config import files
from evoframe.config.convert import recipe_from, run_options
from evoframe.config.recipe import SLOTS, Recipe
from evoframe.errors import ConfigError, close_match
from evoframe.registry import Registry, load_registry
from evoframe.roles import SEVERAL, Strategy
from evoframe.run import runner
from evoframe.run.run import Run


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
        **choices: for each slot a strategy or its name (a list where it takes several), e.g.
            ``encoding="magnitude"``; and options of the run, e.g. ``generations=4``, ``seed=1``.

    Returns:
        The finished run: ``run.best``, ``run.network()``, ``run.lineage(id)``.

    Raises:
        EvoframeError: what is wrong; nothing is written before recipe, task and device are sound.
    """
    if isinstance(options, str):
        raise ConfigError(f"options is the text {options!r}; wanted a list of such texts.")
    if task is not None:
        choices["task"] = task
    choices = {slot: _made(value) for slot, value in choices.items() if value is not None}
    ready = {slot: value for slot, value in choices.items() if _is_ready(value)}
    if isinstance(recipe, Recipe):
        if choices or options:
            raise ConfigError("a ready Recipe takes no changes here; use attrs.evolve on it.")
        registry = load_registry(recipe.run.plugins)
        final = recipe
    else:
        tables = _tables(recipe)
        for name, value in choices.items():
            if name not in ready:
                tables = _chosen(tables, name, value)
        for option in options:
            tables = files.assigned(tables, option)
        registry = load_registry(run_options(tables).plugins)
        final = recipe_from(tables, registry, _by_slot(ready))
    path = Path(out) if out is not None else new_folder(_name(recipe))
    return _started(final, registry, path, _by_slot(ready))


def resume(path: str | Path, **ready: Any) -> Run:
    """Go on with a run, however it was ended, and return it.

    Args:
        path: the run folder.
        **ready: strategies that were made in Python when the run began, by slot, e.g. ``task=...``.
    """
    given = _by_slot(ready)
    runner.resume(Path(path), ready=given)
    return Run(Path(path), given)


def open_run(path: str | Path, **ready: Any) -> Run:
    """Return a run for reading; ``ready`` as for :func:`resume`."""
    return Run(Path(path), _by_slot(ready))


def new_folder(name: str) -> Path:
    """Return a path under ``runs/`` that does not exist yet."""
    stem = f"{name}-{datetime.now(UTC):%Y%m%d-%H%M%S}"
    path, number = Path("runs", stem), 1
    while path.exists():
        number += 1
        path = Path("runs", f"{stem}-{number}")
    return path


def _started(recipe: Recipe, registry: Registry, path: Path, ready: Mapping[str, Any]) -> Run:
    runner.start(recipe, registry, path)
    return Run(path, ready)


def _tables(recipe: str | Path | Mapping[str, Any] | None) -> files.Tables:
    if recipe is None:
        return {}
    if isinstance(recipe, str | Path):
        return files.read_recipe(str(recipe))
    if not isinstance(recipe, Mapping):
        raise ConfigError(f"recipe is {recipe!r}; wanted a name, a .toml file, or tables.")
    return dict(recipe)


def _name(recipe: Any) -> str:
    return Path(recipe).stem if isinstance(recipe, str | Path) else "run"


def _made(value: Any) -> Any:
    """Return a value in which strategy classes have become strategies with default options."""
    if isinstance(value, list | tuple):
        return [_made(one) for one in value]
    return value() if isclass(value) and issubclass(value, Strategy) else value


def _is_ready(value: Any) -> bool:
    if isinstance(value, list | tuple):
        ready = [isinstance(one, Strategy) for one in value]
        if any(ready) and not all(ready):
            raise ConfigError(f"{value!r} mixes names and strategies; give one kind.")
        return any(ready)
    return isinstance(value, Strategy)


def _by_slot(ready: Mapping[str, Any]) -> dict[str, Any]:
    given: dict[str, Any] = {}
    for slot, value in ready.items():
        if slot not in SLOTS:
            raise ConfigError(f"there is no slot {slot!r}.{close_match(slot, SLOTS)}")
        entries = tuple(value) if isinstance(value, list | tuple) else (value,)
        given[slot] = entries if SLOTS[slot] in SEVERAL else entries[-1]
    return given


def _chosen(tables: files.Tables, name: str, value: Any) -> files.Tables:
    if name in SLOTS:
        return files.chosen(tables, name, [value] if isinstance(value, str) else value)
    return {**tables, "run": {**files.table(tables.get("run", {}), "run"), name: value}}
