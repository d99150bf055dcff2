"""Recipes from tables and back."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import attrs
from packaging.requirements import InvalidRequirement, Requirement

from evoframe.config import files, references
from evoframe.config.aim import aimed
from evoframe.config.inner import evolved
from evoframe.config.naming import described, strategy_from
from evoframe.config.recipe import DEFAULTS, AnatomyOptions, Recipe, RunOptions
from evoframe.config.values import structure, unstructure
from evoframe.errors import ConfigError, RequirementError, close_match
from evoframe.registry.offers import Registry
from evoframe.roles import ROLE_TABLES, Strategy


def recipe_from(
    tables: Mapping[str, Any], registry: Registry, ready: Mapping[str, Any] | None = None
) -> Recipe:
    """Return the recipe that tables describe; tables left out mean :data:`DEFAULTS`.

    Args:
        tables: one for ``run``, ``about`` and each role that is not to have its default.
        registry: where strategies are found by name.
        ready: strategies that are there already, by role table (tuples where one takes several);
            they take the place of tables.

    Raises:
        ConfigError: an unknown table or option, a wrong type, a missing task.
        NoSuchStrategyError: a strategy that nobody offers.
        RequirementError: a distribution of ``run.requires`` is missing or too old.
    """
    known = {"run", "anatomy", "about", *ROLE_TABLES}
    for name in tables:
        if name not in known:
            raise ConfigError(
                f"there is no table [{name}] in a recipe.{close_match(name, known)} "
                f"Tables: {', '.join(sorted(known))}."
            )
    ready = ready or {}
    # Some built-in recipes are notes on papers that leave out what a run would need.
    if missing := files.table(tables.get("about", {}), "about").get("missing"):
        raise ConfigError(f"the recipe is a note and cannot be run. What is missing: {missing}.")
    if "task" not in {**tables, **ready}:
        raise ConfigError("the recipe names no task. Try --task mnist, or --task file.py:Name.")
    run = run_options(tables)
    check_requirements(run.requires)
    tables = aimed(tables, run.target, run.generations)
    sources: dict[str, str] = {}
    values: dict[str, Any] = {}
    for name, role in ROLE_TABLES.items():
        given = tables.get(name, DEFAULTS.get(name))
        if name in ready:
            values[name] = ready[name]
        elif role.several:
            values[name] = tuple(
                strategy_from(table, f"{name}[{index}]", role, registry, sources)
                for index, table in enumerate(files.entries(given, name))
            )
        elif given is not None:
            held = files.table(given, name)
            values[name] = strategy_from(held, name, role, registry, sources)
    about = {
        str(key): str(value) for key, value in files.table(tables.get("about", {}), "about").items()
    }
    anatomy = structure(
        files.table(tables.get("anatomy", {}), "anatomy"), AnatomyOptions, "anatomy"
    )
    return Recipe(run=run, anatomy=anatomy, about=about, sources=sources, **values)


def run_options(tables: Mapping[str, Any]) -> RunOptions:
    """Return the options of the run; they say which plugins the rest needs.

    Raises:
        ConfigError: an unknown option or a wrong type.
    """
    return structure(files.table(tables.get("run", {}), "run"), RunOptions, "run")


def tables_from(recipe: Recipe, registry: Registry) -> dict[str, Any]:
    """Return the tables that describe a recipe completely."""
    tables: dict[str, Any] = {
        "run": unstructure(recipe.run),
        "anatomy": unstructure(recipe.anatomy),
    }
    if recipe.about:
        tables["about"] = dict(recipe.about)
    for name, role in ROLE_TABLES.items():
        value = getattr(recipe, name)
        if role.several:
            tables[name] = [
                described(one, f"{name}[{index}]", recipe.sources, registry)
                for index, one in enumerate(value)
            ]
        elif value is not None:
            tables[name] = described(value, name, recipe.sources, registry)
    return tables


def anchored(recipe: Recipe) -> Recipe:
    """Return the recipe with every path made absolute, to mean the same from any folder."""

    def anchor(value: Any) -> Any:
        if isinstance(value, tuple):
            return tuple(anchor(one) for one in value)
        return evolved(value, _with_absolute_paths) if isinstance(value, Strategy) else value

    plugins = tuple(references.file_from(name, Path.cwd()) for name in recipe.run.plugins)
    table = recipe.run.latency_table
    sources = {entry: references.absolute(use, Path.cwd()) for entry, use in recipe.sources.items()}
    return attrs.evolve(
        recipe,
        run=attrs.evolve(
            recipe.run, plugins=plugins, latency_table=None if table is None else table.absolute()
        ),
        sources=sources,
        **{name: anchor(getattr(recipe, name)) for name in ROLE_TABLES},
    )


def check_requirements(requires: Iterable[str]) -> None:
    """Refuse to go on when a required distribution is missing or has another version.

    Raises:
        RequirementError: all that is missing, in one message.
        ConfigError: a requirement that cannot be read.
    """
    missing: dict[str, str] = {}
    for text in requires:
        try:
            wanted = Requirement(text)
        except InvalidRequirement as error:
            raise ConfigError(f"run.requires: {text!r} is not a requirement: {error}") from error
        try:
            version = importlib.metadata.version(wanted.name)
        except importlib.metadata.PackageNotFoundError:
            missing[text] = "not installed"
            continue
        if not wanted.specifier.contains(version, prereleases=True):
            missing[text] = f"found {version}"
    if missing:
        lacking = ", ".join(f"{text} ({found})" for text, found in missing.items())
        command = " ".join(f"'{text}'" for text in missing)
        raise RequirementError(f"the recipe requires {lacking}. Try `pip install {command}`.")


def _with_absolute_paths(strategy: Strategy) -> Strategy:
    paths = {
        field.name: path.absolute()
        for field in attrs.fields(type(strategy))
        if field.init and isinstance(path := getattr(strategy, field.name), Path)
    }
    return attrs.evolve(strategy, **paths) if paths else strategy
