"""Request: what somebody asks to be run; the one way from words and values to a recipe.

``evoframe.evolve()`` and the commands ``evolve``, ``inspect`` and ``compare`` each make a request
of what they are given. What is said later counts: defaults, the recipe, choices, plugins, options.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from inspect import isclass
from pathlib import Path
from typing import Any

import attrs

from evoframe.config import files
from evoframe.config.convert import recipe_from, run_options
from evoframe.config.recipe import Recipe
from evoframe.errors import ConfigError, close_match
from evoframe.registry import Registry, load_registry
from evoframe.roles import ROLE_TABLES, Strategy


@attrs.frozen
class Resolved:
    """A request whose names have been looked up.

    Attributes:
        recipe: what is to be run.
        registry: where its strategies were found.
        ready: the strategies that were given as values, by role table; a tuple where a recipe
            may name several.
    """

    recipe: Recipe
    registry: Registry
    ready: Mapping[str, Any]


@attrs.frozen
class Request:
    """What somebody asks to be run, as it was said.

    Attributes:
        recipe: a built-in recipe's name, a ``.toml`` file, tables, or a ready recipe.
        choices: by role table a strategy or its name, or a list of them; by option of the run its
            value. None means that nothing was chosen.
        plugins: to load besides those that the recipe names.
        options: assignments such as ``"encoding.temperature=0.1"``.
        defaults: role tables for recipes that leave these out.
    """

    recipe: str | Path | Mapping[str, Any] | Recipe | None = None
    choices: Mapping[str, Any] = attrs.field(factory=dict, kw_only=True)
    plugins: Sequence[str] = attrs.field(default=(), kw_only=True)
    options: Sequence[str] = attrs.field(default=(), kw_only=True)
    defaults: Mapping[str, Any] = attrs.field(factory=dict, kw_only=True)

    @property
    def name(self) -> str:
        """What its recipe is called; empty if that has no name."""
        return Path(self.recipe).stem if isinstance(self.recipe, str | Path) else ""

    def resolve(self) -> Resolved:
        """Return the recipe that is asked for, with the registry of its strategies.

        Raises:
            ConfigError: something that cannot be understood.
            NoSuchStrategyError: a strategy that nobody offers.
            RequirementError: a distribution that the recipe requires is missing or too old.
        """
        if isinstance(self.recipe, Recipe):
            return self._as_it_is(self.recipe)
        tables = self.tables()
        registry = load_registry(run_options(tables).plugins)
        ready = by_table({name: one for name, one in self._chosen() if _is_ready(one)})
        return Resolved(self._as_meant(recipe_from(tables, registry, ready)), registry, ready)

    def _as_meant(self, recipe: Recipe) -> Recipe:
        """Return a recipe that trains no trained ancestor only because it came with evoframe."""
        is_built_in = isinstance(self.recipe, str) and not self.recipe.endswith(".toml")
        chosen = self.choices.get("ancestor") is not None
        if not is_built_in or chosen or any(map(files.is_of_ancestor, self.options)):
            return recipe
        return attrs.evolve(recipe, ancestor=None) if recipe.task.is_trained else recipe

    def tables(self) -> files.Tables:
        """Return the tables of one recipe that hold all that is said in words.

        Raises:
            ConfigError: something that cannot be understood.
        """
        tables = {**self.defaults, **_tables_of(self.recipe)}
        for name, value in self._chosen():
            if not _is_ready(value):
                tables = _with(tables, name, value)
        if self.plugins:
            # Added to those of the recipe, which may need
            # its own; all else that is said later replaces.
            named = run_options(tables).plugins
            tables = _with(tables, "plugins", [*named, *self.plugins])
        # What the ancestor shares with all others is known once those have their options.
        for option in sorted(self.options, key=files.is_of_ancestor):
            self._require_in_words(option, tables)
            tables = files.assigned(tables, option)
        return tables

    def _require_in_words(self, option: str, tables: files.Tables) -> None:
        """Refuse an option of the ancestor's training, if that is a value made in Python."""
        ready = {name for name, value in self._chosen() if _is_ready(value)}
        inherited = not tables.get("ancestor") and "training" in ready
        if files.is_of_ancestor(option) and (inherited or "ancestor" in ready):
            raise ConfigError(
                f"-o {option!r}: the ancestor's training is a value that was made in Python. Give "
                "ancestor= a value of its own, with that option."
            )

    def _as_it_is(self, recipe: Recipe) -> Resolved:
        if self._chosen() or self.plugins or self.options:
            raise ConfigError("a ready Recipe takes no changes here; use attrs.evolve on it.")
        return Resolved(recipe, load_registry(recipe.run.plugins), {})

    def _chosen(self) -> list[tuple[str, Any]]:
        return [(name, _made(value)) for name, value in self.choices.items() if value is not None]


def registry_of(requests: Iterable[Request]) -> Registry:
    """Return one registry of everything that several requests need.

    Raises:
        ConfigError: a plugin that one of them names cannot be loaded.
    """
    named = [name for one in requests for name in run_options(one.tables()).plugins]
    return load_registry(dict.fromkeys(named))


def by_table(ready: Mapping[str, Any]) -> dict[str, Any]:
    """Return strategies by role table, in a tuple where a recipe may name several.

    Args:
        ready: by role table a strategy, or a list of them.

    Raises:
        ConfigError: there is no such role table.
    """
    given: dict[str, Any] = {}
    for name, value in ready.items():
        if name not in ROLE_TABLES:
            raise ConfigError(f"there is no role table {name!r}.{close_match(name, ROLE_TABLES)}")
        entries = tuple(value) if isinstance(value, list | tuple) else (value,)
        for one in entries:
            if not isinstance(one, Strategy):
                found = type(one).__name__
                raise ConfigError(
                    f"{name} is a {found}; wanted a strategy that was made in Python."
                )
        given[name] = entries if ROLE_TABLES[name].several else entries[-1]
    return given


def _tables_of(recipe: object) -> Mapping[str, Any]:
    if recipe is None:
        return {}
    if isinstance(recipe, str | Path):
        return files.read_recipe(str(recipe))
    if not isinstance(recipe, Mapping):
        raise ConfigError(f"recipe is {recipe!r}; wanted a name, a .toml file, or tables.")
    return recipe


def _with(tables: files.Tables, name: str, value: Any) -> files.Tables:
    """Return tables in which a role table, or an option of the run, is the one chosen."""
    if name in ROLE_TABLES:
        _require_choice(name, value)
        return files.chosen(tables, name, [value] if isinstance(value, str) else value)
    return {**tables, "run": {**files.table(tables.get("run", {}), "run"), name: value}}


def _require_choice(name: str, value: Any) -> None:
    """Refuse what names no strategy."""
    several = value if isinstance(value, list | tuple) else [value]
    for one in several:
        if not isinstance(one, str):
            found = one.__name__ if isclass(one) else repr(one)
            raise ConfigError(f"{name} is {found}; wanted a strategy, its name, or a list of them.")


def _made(value: Any) -> Any:
    """Return a value in which classes have become strategies with default options."""
    if isinstance(value, list | tuple):
        return [_made(one) for one in value]
    return value() if isclass(value) and issubclass(value, Strategy) else value


def _is_ready(value: Any) -> bool:
    """Tell strategies from names of strategies."""
    if isinstance(value, list | tuple):
        ready = [isinstance(one, Strategy) for one in value]
        if any(ready) and not all(ready):
            raise ConfigError(f"{value!r} mixes names and strategies; give one kind.")
        return any(ready)
    return isinstance(value, Strategy)
