"""Sessions: a run is begun, or gone on with, whose individuals are trained elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from evoframe.config.convert import anchored
from evoframe.config.recipe import Recipe
from evoframe.errors import ConfigError, RunError
from evoframe.registry import Registry
from evoframe.roles import Selection, Strategy
from evoframe.run import starting
from evoframe.run.asking import Session
from evoframe.run.continuing import opening
from evoframe.run.disk.folder import RunFolder
from evoframe.run.disk.record import read_record, resolved
from evoframe.run.runner import Runner

ELSEWHERE = "elsewhere"
"""The training of a recipe whose individuals are asked for."""


def begin(recipe: Recipe, registry: Registry, path: Path, ready: Mapping[str, Any]) -> Session:
    """Return a session of a run: of a new one, or of the one in the folder with the same recipe.

    Args:
        recipe: whose training is ``elsewhere``.
        registry: where its strategies came from, for the record.
        path: the run folder.
        ready: its strategies that were made in Python, by role table.

    Raises:
        EvoframeError: what is wrong; nothing is written then.
    """
    _require_elsewhere(recipe)
    folder, stack = RunFolder(path.absolute()), ExitStack()
    with stack:
        if folder.exists():
            stack.enter_context(folder.locked())
            _require_same(recipe, registry, folder)
            found = opening.opened(folder, ready, None, (), repair=False)
            world, told, read = found.world, found.told, found.read
        else:
            world = stack.enter_context(starting.written(recipe, registry, path))
            told, read = (), None
        opened: Runner | None = None
        if world is not None:
            begun = starting.begun(world, "warning", told, ready, read)
            opened = stack.enter_context(begun)
        return Session(opened, folder.path, ready, stack.pop_all())


def _require_elsewhere(recipe: Recipe) -> None:
    """Refuse what acts within a training that is not ours."""
    within: list[tuple[Strategy, str]] = [
        (one, "leave it out, as by nurture=[]") for one in recipe.nurture
    ]
    if recipe.litter is not None and recipe.litter.name != "single":
        within.append((recipe.litter, "take litter='single'"))
    if type(recipe.selection).rungs is not Selection.rungs:
        within.append((recipe.selection, "take one that names no rungs"))
    for one, remedy in within:
        raise ConfigError(
            f"{one.role} {one.name!r} acts while evoframe trains, and individuals of ask_tell() "
            f"are trained elsewhere: {remedy}."
        )


def _require_same(recipe: Recipe, registry: Registry, folder: RunFolder) -> None:
    asked, held = resolved(anchored(recipe), registry), read_record(folder)
    for name, table in asked.items():
        if table == (found := held.get(name)):
            continue
        what = name
        if isinstance(table, Mapping) and isinstance(found, Mapping):
            both = sorted({*table, *found})
            option = next(one for one in both if table.get(one) != found.get(one))
            what = f"{name}.{option}"
        raise RunError(
            f"{folder.path} holds a run with another {what}. Use the same recipe to continue "
            "it, or another folder."
        )
