"""Recipe files: finding, reading, changing and writing them as plain tables."""

from __future__ import annotations

import copy
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from importlib import resources
from pathlib import Path
from typing import Any

import tomli_w

from evoframe.config import references
from evoframe.config.recipe import DEFAULTS
from evoframe.errors import ConfigError, close_match, listing
from evoframe.roles import ROLE_TABLES

Tables = dict[str, Any]

_ASSIGNMENT = re.compile(r"([a-z]+)(?:\[(\d+)\])?((?:\.\w+(?:\[\d+\])?)*)\.(\w+)=(.*)", re.DOTALL)
_STEP = re.compile(r"\.(\w+)(?:\[(\d+)\])?")


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
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{name} is not TOML: {error}") from error


def write(tables: Mapping[str, Any]) -> str:
    """Return tables as TOML text."""
    return tomli_w.dumps(tables)


def chosen(tables: Tables, name: str, uses: Iterable[str]) -> Tables:
    """Return tables in which one of them holds the strategies of these names.

    A strategy that the table already held keeps its options.

    Raises:
        ConfigError: none is named where there must be one.
    """
    changed = copy.deepcopy(tables)
    old = entries(changed.get(name), name)
    new = []
    for use in uses:  # of several with one name, the first named is the first there
        asked = references.plain(use)
        held = [entry for entry in old if references.plain(entry.get("use")) == asked]
        new.append(held[0] if held else {"use": use})
        # By identity: two entries of one name may have the same options.
        old = [entry for entry in old if not (held and entry is held[0])]
    if not new and not ROLE_TABLES[name].several:
        raise ConfigError(f"{name} is an empty list; wanted one strategy, or nothing said of it.")
    changed[name] = new if ROLE_TABLES[name].several else new[-1]
    return changed


def assigned(tables: Tables, assignment: str) -> Tables:
    """Return tables changed by ``table.option=value`` or ``table[n].option=value``.

    An option may be one of a strategy inside of another: ``mutation.arms[1].rate=0.1``.

    The value is a TOML literal; anything that is none is taken as text.

    Raises:
        ConfigError: it cannot be read, or there is no such table or entry.
    """
    match = _ASSIGNMENT.fullmatch(assignment)
    if match is None:
        raise ConfigError(
            f"-o {assignment!r} cannot be read; wanted table.option=value, as in "
            "-o encoding.temperature=0.1 or -o environment[1].retention=0.5."
        )
    name, index, path, option, text = match.groups()
    known = [*ROLE_TABLES, "run", "anatomy"]
    if name not in known:
        raise ConfigError(
            f"-o {assignment!r}: there is no table {name!r}.{close_match(name, known)}"
        )
    changed = copy.deepcopy(tables)
    if name == "ancestor" and not changed.get(name):
        # Who says nothing of the ancestor's training means that of all others.
        changed[name] = copy.deepcopy(changed.get("training") or DEFAULTS["training"])
    if not changed.get(name) and name in ROLE_TABLES and not DEFAULTS.get(name):
        raise ConfigError(f"-o {assignment!r}: the recipe names no {name}. Name one with --{name}.")
    if name not in changed:
        changed[name] = copy.deepcopy(DEFAULTS.get(name, {}))
    held = _entry(changed[name], name, index, assignment)
    table(held, f"{name}[{index}]" if index else name)
    for step in _STEP.finditer(path):
        held = _inside(held, step, assignment)
    held[option] = literal(text)
    return changed


def is_of_ancestor(assignment: str) -> bool:
    """Tell whether an assignment is to the training of the ancestor."""
    return assignment.startswith("ancestor.")


def table(given: Any, name: str) -> Mapping[str, Any]:
    """Return a table that was given, and refuse anything else.

    Raises:
        ConfigError: it is not.
    """
    if not isinstance(given, Mapping):
        raise ConfigError(f"[{name}] is {given!r}; wanted a table.")
    return given


def entries(given: Any, name: str) -> list[Mapping[str, Any]]:
    """Return the entries of a role table: none, one, or a list of them.

    Raises:
        ConfigError: one of them is no table.
    """
    if given is None:
        return []
    if not isinstance(given, list):
        return [table(given, name)]
    return [table(entry, f"{name}[{index}]") for index, entry in enumerate(given)]


def _entry(held: Any, name: str, index: str | None, assignment: str) -> dict[str, Any]:
    if not isinstance(held, list):
        if index not in (None, "0"):
            raise ConfigError(f"-o {assignment!r}: {name} is a single table.")
        return held  # type: ignore[no-any-return]
    if index is None and len(held) > 1:
        raise ConfigError(
            f"-o {assignment!r}: there are {len(held)} of {name}; say which, as in {name}[0]."
        )
    if int(index or 0) >= len(held):
        raise ConfigError(
            f"-o {assignment!r}: the recipe names {len(held)} of {name}. Name one with --{name}."
        )
    return held[int(index or 0)]  # type: ignore[no-any-return]


def _inside(held: dict[str, Any], step: re.Match[str], assignment: str) -> dict[str, Any]:
    """Return the table that a table holds under ``.name`` or ``.name[n]``; it may be changed."""
    name, index = step.groups()
    holder: Any = held if index is None else held.get(name)
    key: Any = name if index is None else int(index)
    there = isinstance(holder, list) and key < len(holder) if index else key in held
    found = holder[key] if there else None
    if isinstance(found, str):
        # A name alone stands for a strategy with its default options.
        holder[key] = found = {"use": found}
    if not isinstance(found, dict):
        raise ConfigError(
            f"-o {assignment!r}: the recipe has no table {step[0][1:]!r}, only tables that it "
            f"names can be changed. Give {name!r} whole first."
        )
    return found


def literal(text: str) -> Any:
    """Return the value of a TOML literal; anything that is none is taken as text."""
    try:
        # A line break in the text could smuggle in further keys; they are never looked at.
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def with_files(tables: Tables, place: Callable[[str], str]) -> Tables:
    """Return tables in which the path of each Python file, alone or in a reference, is another.

    Args:
        tables: of a recipe, or of the record of a run.
        place: takes a path and returns the other.
    """
    changed = copy.deepcopy(tables)
    run = changed.get("run")
    if isinstance(run, dict) and isinstance(run.get("plugins"), list):
        run["plugins"] = [place(one) if references.is_file(one) else one for one in run["plugins"]]
    for name in ROLE_TABLES:
        _place_files(changed.get(name, []), place)
    return changed


def _place_files(held: Any, place: Callable[[str], str]) -> None:
    """Change the file of each reference in a role table, and in the tables inside of it."""
    if isinstance(held, list):
        for one in held:
            _place_files(one, place)
    elif isinstance(held, dict):
        use = held.get("use")
        file, colon, inside = use.rpartition(":") if isinstance(use, str) else ("", "", "")
        if colon and references.is_file(file):
            held["use"] = f"{place(file)}:{inside}"
        for one in held.values():
            _place_files(one, place)


def _with_references_from(folder: Path, tables: Tables) -> Tables:
    """Return tables in which plugins and references are taken from the recipe's own folder."""
    found = with_files(tables, lambda name: str((folder / Path(name).expanduser()).resolve()))
    run = found.get("run")
    if isinstance(run, dict) and isinstance(run.get("latency_table"), str):
        run["latency_table"] = str(folder / Path(run["latency_table"]).expanduser())
    return found
