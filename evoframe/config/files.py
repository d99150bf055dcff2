"""Recipe files: finding, reading, changing and writing them as plain tables."""

from __future__ import annotations

import copy
import re
import tomllib
from collections.abc import Iterable, Mapping
from importlib import resources
from pathlib import Path
from typing import Any

import tomli_w

from evoframe.config import references
from evoframe.config.recipe import DEFAULTS, SLOTS
from evoframe.errors import ConfigError, close_match, listing
from evoframe.roles import SEVERAL

Tables = dict[str, Any]

_ASSIGNMENT = re.compile(r"([a-z]+)(?:\[(\d+)\])?\.([a-z_]+)=(.*)", re.DOTALL)


def built_in_recipes() -> dict[str, str]:
    """Return the text of every recipe that comes with evoframe, by name."""
    folder = resources.files("evoframe") / "recipes"
    return {
        file.name.removesuffix(".toml"): file.read_text("utf-8")
        for file in sorted(folder.iterdir(), key=lambda file: file.name)
        if file.name.endswith(".toml")
    }


def read_recipe(name: str) -> Tables:
    """Return the tables of a built-in recipe, or of a file that ends in ``.toml``.

    Raises:
        ConfigError: it does not exist or is not TOML.
    """
    if not name.endswith(".toml"):
        recipes = built_in_recipes()
        if name not in recipes:
            raise ConfigError(
                f"there is no recipe {name!r}.{close_match(name, recipes)} There are: "
                f"{listing(recipes)}; or name a file that ends in .toml."
            )
        return parse(recipes[name], name)
    path = Path(name)
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the recipe {name!r} cannot be read: {error}") from error
    return _with_references_from(path.parent.resolve(), parse(text, name))


def parse(text: str, name: str) -> Tables:
    """Return the tables of a TOML text.

    Raises:
        ConfigError: it is not TOML; the message says where.
    """
    try:
        return shaped(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{name} is not TOML: {error}") from error


def shaped(tables: Tables) -> Tables:
    """Return tables that are tables indeed.

    Raises:
        ConfigError: one that is something else.
    """
    for name, held in tables.items():
        several = SLOTS.get(name) in SEVERAL
        entries = held if several and isinstance(held, list) else [held]
        if not all(isinstance(entry, dict) for entry in entries):
            raise ConfigError(f"[{name}] is {held!r}; wanted a table.")
    plugins = tables.get("run", {}).get("plugins", [])
    if not isinstance(plugins, list | tuple) or not all(isinstance(one, str) for one in plugins):
        raise ConfigError(f"run.plugins is {plugins!r}; wanted a list of modules or files.")
    return tables


def write(tables: Mapping[str, Any]) -> str:
    """Return tables as TOML text."""
    return tomli_w.dumps(tables)


def chosen(tables: Tables, slot: str, names: Iterable[str]) -> Tables:
    """Return tables in which a slot holds the strategies of these names.

    A strategy that the slot already held keeps its options.
    """
    changed = copy.deepcopy(tables)
    given = changed.get(slot, [])
    old = {entry.get("use"): entry for entry in (given if isinstance(given, list) else [given])}
    new = [copy.deepcopy(old.get(name, {"use": name})) for name in names]
    changed[slot] = new if SLOTS[slot] in SEVERAL else new[-1]
    return changed


def assigned(tables: Tables, assignment: str) -> Tables:
    """Return tables changed by ``slot.option=value`` or ``slot[n].option=value``.

    The value is a TOML literal; anything that is none is taken as text.

    Raises:
        ConfigError: it cannot be read, or there is no such table or entry.
    """
    match = _ASSIGNMENT.fullmatch(assignment)
    if match is None:
        raise ConfigError(
            f"-o {assignment!r} cannot be read; wanted slot.option=value, as in "
            "-o encoding.temperature=0.1 or -o environment[1].retention=0.5."
        )
    slot, index, option, literal = match.groups()
    if slot not in SLOTS and slot != "run":
        raise ConfigError(
            f"-o {assignment!r}: there is no table {slot!r}.{close_match(slot, [*SLOTS, 'run'])}"
        )
    changed = copy.deepcopy(tables)
    if not changed.get(slot) and slot in SLOTS and not DEFAULTS.get(slot):
        raise ConfigError(f"-o {assignment!r}: the recipe names no {slot}. Name one with --{slot}.")
    if slot not in changed:
        changed[slot] = copy.deepcopy(DEFAULTS.get(slot, {}))
    _entry(changed[slot], slot, index, assignment)[option] = _literal(literal)
    return changed


def _entry(held: Any, slot: str, index: str | None, assignment: str) -> dict[str, Any]:
    if not isinstance(held, list):
        if index not in (None, "0"):
            raise ConfigError(f"-o {assignment!r}: {slot} is a single table.")
        return held  # type: ignore[no-any-return]
    if index is None and len(held) > 1:
        raise ConfigError(
            f"-o {assignment!r}: there are {len(held)} of {slot}; say which, as in {slot}[0]."
        )
    if int(index or 0) >= len(held):
        raise ConfigError(
            f"-o {assignment!r}: the recipe names {len(held)} of {slot}. Name one with --{slot}."
        )
    return held[int(index or 0)]  # type: ignore[no-any-return]


def _literal(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _with_references_from(folder: Path, tables: Tables) -> Tables:
    """Return tables in which references to files are taken from the recipe's own folder."""
    for slot in SLOTS:
        held = tables.get(slot, [])
        for entry in held if isinstance(held, list) else [held]:
            if isinstance(entry, dict) and isinstance(entry.get("use"), str):
                entry["use"] = references.absolute(entry["use"], folder)
    return tables
