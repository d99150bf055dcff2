"""The record of a run: its resolved recipe, and the versions of all that took part."""

from __future__ import annotations

import hashlib
import platform
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import torch

import evoframe
from evoframe.config import files
from evoframe.config.convert import IN_SESSION, recipe_from, run_options, tables_from
from evoframe.config.recipe import Recipe
from evoframe.errors import RunError
from evoframe.kernel import device as devices
from evoframe.registry import Registry, load_registry
from evoframe.registry.loading import FROM_FILE
from evoframe.run.folder import RunFolder, write_atomically

RECORD = "record"
"""The table of ``run.toml`` that is not part of the recipe."""


def write_record(recipe: Recipe, registry: Registry, folder: RunFolder) -> None:
    """Write ``run.toml``: from here on the folder is a run."""
    tables = tables_from(recipe, registry)
    tables[RECORD] = versions(recipe, registry)
    write_atomically(folder.recipe, files.write(tables).encode())


def open_recipe(
    folder: RunFolder, ready: Mapping[str, Any] | None = None
) -> tuple[Recipe, list[str]]:
    """Return the recipe of a run, and what is different now from when it was recorded.

    Args:
        folder: where the run is.
        ready: strategies that the record cannot hold, by slot.

    Raises:
        RunError: there is no run, or its record cannot be read.
        ConfigError: a strategy of the recipe cannot be made again.
    """
    folder.require()
    try:
        text = folder.recipe.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RunError(f"{folder.recipe} cannot be read: {error}") from error
    tables = files.parse(text, str(folder.recipe))
    recorded = tables.pop(RECORD, {})
    registry = load_registry(run_options(tables).plugins)
    recipe = recipe_from(tables, registry, ready)
    if ready:
        recipe = attrs.evolve(recipe, can_be_rebuilt=False)
    return recipe, differences(recorded, versions(recipe, registry))


def require_same_ancestor(recipe: Recipe, registry: Registry, founder: RunFolder) -> None:
    """Refuse a run whose ancestor is not the one that a recipe would make.

    Raises:
        RunError: it was made for another task, with another seed, or otherwise.
    """
    founder.require()
    theirs = _ancestry(files.parse(founder.recipe.read_text("utf-8"), str(founder.recipe)))
    ours = _ancestry(files.parse(files.write(tables_from(recipe, registry)), "the recipe"))
    differing = [name for name, value in ours.items() if value != theirs[name]]
    if differing:
        raise RunError(
            f"the ancestor of {founder.path} is not the one of this recipe, which has another "
            f"{', '.join(differing)}. Begin without it, and the run trains its own."
        )


def _ancestry(tables: files.Tables) -> dict[str, Any]:
    """Return all of a resolved recipe that an ancestor depends on."""
    ancestor = tables.get("ancestor", tables["training"])
    run = {name: tables["run"][name] for name in ("seed", "device", "threads", "strict")}
    return {"task": tables["task"], "ancestor": ancestor, "anatomy": tables["anatomy"], **run}


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
        "evoframe": evoframe.__version__,
        "contract": evoframe.CONTRACT,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "device": devices.describe(devices.resolve(recipe.run.device)),
        "strategies": {
            slot: _origin(type(strategy), registry) for slot, strategy in recipe.slots()
        },
    }


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Return a sentence for everything that a record says otherwise."""
    found = []
    flat_now = _flat(now)
    for name, old in _flat(before).items():
        new = flat_now.get(name)
        if new is not None and new != old:
            found.append(f"{name} was {old}, is {new}")
    return found


def _flat(record: Mapping[str, Any]) -> dict[str, str]:
    strategies = record.get("strategies", {})
    flat = {name: str(value) for name, value in record.items() if name != "strategies"}
    return flat | {str(slot): str(origin) for slot, origin in strategies.items()}


def _origin(strategy: type, registry: Registry) -> str:
    """Return where a strategy comes from: its distribution's version, or its file's content."""
    offer = registry.offer_of(strategy)
    name = offer.name if offer is not None else strategy.__qualname__
    if offer is not None and offer.plugin.distribution:
        return f"{name} of {offer.plugin.distribution} {offer.plugin.version}"
    module = strategy.__module__
    file = Path(getattr(sys.modules.get(module), "__file__", None) or "")
    if not file.is_file() or module.startswith("evoframe."):
        return f"{name} of {module}"
    place = file.name if module.startswith(FROM_FILE) else module
    digest = hashlib.blake2b(file.read_bytes(), digest_size=8).hexdigest()
    return f"{name} of {place} with content {digest}"
