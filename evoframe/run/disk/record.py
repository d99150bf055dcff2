"""The record of a run: its resolved recipe, and the versions of all that took part."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import torch

from evoframe.anatomy import Anatomy
from evoframe.config import files, references
from evoframe.config.convert import recipe_from, run_options, tables_from
from evoframe.config.naming import IN_SESSION
from evoframe.config.recipe import Recipe
from evoframe.errors import RunError
from evoframe.kernel import device as devices
from evoframe.kernel.individual import ANCESTOR
from evoframe.registry import Registry, load_registry
from evoframe.run.disk import constants, formats, standing_in
from evoframe.run.disk.fingerprints import FINGERPRINTS, of_run
from evoframe.run.disk.folder import RunFolder, write_atomically
from evoframe.run.disk.journal import Journal
from evoframe.run.disk.origins import origin
from evoframe.version import CONTRACT, __version__

FILES = "files"
"""The table within the record for where the files of strategies were when the run began."""

SEES = "sees"
"""The table within the record for the strategies that read validation data, by their entries."""

RECORD = "record"
"""The table of ``run.toml`` that is not part of the recipe."""

METRICS = "metrics"
"""The entry of the record that says what is measured, so that nobody has to make the task."""


def write_record(recipe: Recipe, registry: Registry, folder: RunFolder, anatomy: Anatomy) -> None:
    """Write ``run.toml``: from here on the folder is a run."""
    tables = record_of(recipe, registry, folder, anatomy)
    write_atomically(folder.recipe, files.write(tables).encode())


def record_of(
    recipe: Recipe, registry: Registry, folder: RunFolder, anatomy: Anatomy
) -> files.Tables:
    """Return the tables of ``run.toml`` for a run, as they are written."""
    tables, found = _from_folder(tables_from(recipe, registry), folder.path)
    tables[RECORD] = {
        "format": formats.FORMAT,
        **versions(recipe, registry),
        METRICS: [one.in_table() for one in recipe.task.metrics],
        FINGERPRINTS: of_run(recipe, registry, anatomy),
    }
    if found:
        tables[RECORD][FILES] = found
    if seen := {entry: "validation" for entry, one in recipe.strategies() if _sees_more(one)}:
        tables[RECORD][SEES] = seen
    if standing_in.is_in_session(tables):
        tables[RECORD][standing_in.SESSION] = standing_in.described(recipe.task, anatomy.network)
    if marks := constants.marks_of(anatomy.network):
        tables[RECORD][constants.CONSTANTS] = marks
    return tables


def resolved(recipe: Recipe, registry: Registry) -> files.Tables:
    """Return the tables of a recipe as they would be read from its record."""
    return files.parse(files.write(tables_from(recipe, registry)), "the recipe")


def read_record(folder: RunFolder) -> files.Tables:
    """Return the tables of ``run.toml``, for use here.

    Raises:
        RunError: there is no run, or its record cannot be read.
        LaterFormatError: a later version of evoframe wrote it.
    """
    return placed(written_record(folder), folder.path)


def written_record(folder: RunFolder) -> files.Tables:
    """Return the tables of ``run.toml`` as they are written.

    Raises:
        RunError: there is no run, or its record cannot be read.
        LaterFormatError: a later version of evoframe wrote it.
    """
    folder.require()
    try:
        text = folder.recipe.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RunError(f"{folder.recipe} cannot be read: {error}") from error
    tables = files.parse(text, str(folder.recipe))
    said = files.table(tables.get(RECORD, {}), RECORD).get("format")
    formats.require_readable(formats.number(said, folder.recipe), folder.recipe)
    return tables


def _from_folder(tables: files.Tables, folder: Path) -> tuple[files.Tables, dict[str, str]]:
    """Return tables with the files of strategies as they are found from a run, and where they are.

    So a run can be moved together with them, or, by the second, away from them.
    """
    found: dict[str, str] = {}

    def place(name: str) -> str:
        path = Path(name).resolve()
        try:
            near = Path(os.path.relpath(path, folder.resolve())).as_posix()
        except ValueError:  # on another drive
            return str(path)
        found[near] = str(path)
        return near

    return files.with_files(tables, place), found


def placed(tables: files.Tables, folder: Path) -> files.Tables:
    """Return the tables of a record with the files of strategies as they are found from here."""
    known = files.table(files.table(tables.get(RECORD, {}), RECORD).get(FILES, {}), FILES)

    def place(name: str) -> str:
        near = (folder.resolve() / name).resolve()
        return str(near if near.is_file() else known.get(name, near))

    return files.with_files(tables, place)


def _sees_more(strategy: Any) -> bool:
    return getattr(strategy, "sees", "train") == "validation"


def open_recipe(
    folder: RunFolder, ready: Mapping[str, Any] | None = None
) -> tuple[Recipe, list[str]]:
    """Return the recipe of a run, and what is different now from when it was recorded.

    Args:
        folder: where the run is.
        ready: strategies that the record cannot hold, by role table.

    Raises:
        RunError: there is no run, or its record cannot be read.
        ConfigError: a strategy of the recipe cannot be made again.
    """
    tables = read_record(folder)
    recorded = tables.pop(RECORD, {})
    registry = load_registry(run_options(tables).plugins)
    recipe = recipe_from(tables, registry, ready)
    if ready:
        recipe = attrs.evolve(recipe, can_be_rebuilt=False)
    return recipe, differences(recorded, versions(recipe, registry))


def open_task(folder: RunFolder, ready: Mapping[str, Any]) -> Recipe:
    """A recipe with the task of a run and how it was surveyed, on the CPU; all else is default.

    Args:
        folder: where the run is.
        ready: strategies that the record cannot hold, by role table.

    Raises:
        RunError: there is no run, or its record cannot be read.
        ConfigError: the task cannot be made again.
    """
    recorded = read_record(folder)
    tables: files.Tables = {
        name: recorded[name] for name in ("run", "anatomy", "task") if name in recorded
    }
    registry = load_registry(run_options(tables).plugins)
    task = {"task": ready["task"]} if "task" in ready else {}
    recipe = recipe_from(tables, registry, task)
    return attrs.evolve(recipe, run=attrs.evolve(recipe.run, device="cpu"))


def require_same_ancestor(recipe: Recipe, tables: files.Tables, founder: RunFolder) -> None:
    """Refuse a run whose ancestor is not the one that a recipe would make.

    Args:
        recipe: the one that would begin with it.
        tables: the same recipe, resolved, as it stands or would stand in its record.
        founder: the run.

    Raises:
        RunError: it was made for another task, with another seed, or otherwise; or it is not there.
    """
    ours, theirs = (_ancestor_tables(one, recipe) for one in (tables, read_record(founder)))
    differing = [name for name, value in ours.items() if not _is_same(value, theirs[name])]
    if differing:
        raise RunError(
            f"the ancestor of {founder.path} is not the one of this recipe, which has another "
            f"{', '.join(differing)}."
        )
    journal = Journal(founder.journal, writable=False)
    try:
        journal.entry(ANCESTOR)
    finally:
        journal.close()


def _ancestor_tables(tables: files.Tables, recipe: Recipe) -> dict[str, Any]:
    """Return all of a resolved recipe that its ancestor depends on."""
    run = tables.get("run", {})
    found = {
        name: run.get(name) for name in ("seed", "device", "threads", "strict", "latency_table")
    }
    # One that came trained is the same however others are trained.
    if not recipe.task.is_trained:
        found["ancestor"] = tables.get("ancestor", tables.get("training"))
    return found | {name: tables.get(name) for name in ("task", "anatomy")}


def _is_same(ours: Any, theirs: Any) -> bool:
    """Tell whether two tables say the same; older records have names without their plugins."""
    if not (isinstance(ours, Mapping) and isinstance(theirs, Mapping)):
        return bool(ours == theirs)
    uses = [str(references.plain(one.get("use", ""))) for one in (ours, theirs)]
    if ":" not in uses[1]:
        uses[0] = uses[0].rpartition(":")[2]
    return uses[0] == uses[1] and {**ours, "use": ""} == {**theirs, "use": ""}


def is_rebuildable(recipe: Recipe, registry: Registry) -> bool:
    """Tell whether tables can say the whole recipe."""
    tables = tables_from(recipe, registry)
    held = [
        entry
        for value in tables.values()
        for entry in (value if isinstance(value, list) else [value])
    ]
    return all(entry.get("use") != IN_SESSION for entry in held)


def versions(recipe: Recipe, registry: Registry) -> dict[str, Any]:
    """Return the versions of libraries and of every strategy that takes part."""
    return {
        "evoframe": __version__,
        "contract": CONTRACT,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "device": devices.describe(devices.resolve(recipe.run.device)),
        "strategies": {
            entry: origin(type(strategy), registry).with_version
            for entry, strategy in recipe.strategies()
        },
    }


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Return a sentence for everything that a record says otherwise."""
    found = []
    flat_now = _flat(now)
    for name, old in _flat(before).items():
        new = flat_now.get(name)
        # What the record does not know, or no longer applies, is no difference that could be told.
        if new is not None and new != old:
            found.append(f"{name} was {old}, is {new}")
    return found


def _flat(record: Mapping[str, Any]) -> dict[str, str]:
    strategies = record.get("strategies", {})
    flat = {name: str(value) for name, value in record.items() if name != "strategies"}
    return flat | {str(entry): str(origin) for entry, origin in strategies.items()}
