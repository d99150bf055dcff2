"""Binding: the recipe of a run stands in its journal too, from its first generation on.

``run.toml`` is for people to read. What was edited in it after the run began is refused with the
differences, because what was lived already was lived by another recipe. Whoever means to change the
recipe says so (``evoframe resume RUN --change OPTION=VALUE``): the change is on record, and counts
from the next generation on that nobody of was born yet.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from typing import Any

import attrs

from evoframe.config import files, references
from evoframe.config.convert import recipe_from, run_options
from evoframe.config.recipe import Recipe
from evoframe.errors import ConfigError, EvoframeError, ResumeError, shortened
from evoframe.registry import load_registry
from evoframe.run.disk.fingerprints import WITHOUT_EFFECT
from evoframe.run.disk.folder import RunFolder, write_atomically
from evoframe.run.disk.journal import Journal
from evoframe.run.disk.record import RECORD, placed, written_record
from evoframe.run.world import World

FREE = ("about", *WITHOUT_EFFECT)
"""Tables that change nothing of what is brought forth: they may be edited at any time."""

FIXED = ("anatomy", "ancestor")
"""Tables that made the ancestor what it is."""

MOST = 4
"""How many differences a message names."""

Bound = list[tuple[int, files.Tables]]
"""Recipes as they are on record, each with the first generation that it is for."""


ORIGIN, BEFORE = "origin", "recipe before"
"""Names of facts: what tells a run from others, and what ``run.toml`` said before a change."""


def bind(journal: Journal, tables: files.Tables) -> None:
    """Put the recipe of a run on record, unless one is there."""
    if not journal.recipes():
        text = files.write(tables)
        origin = hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
        journal.note_recipes([(1, text)], **{ORIGIN: origin})


def recipes_of(folder: RunFolder) -> Bound:
    """Return the recipes of a run; none where an earlier version began it and nobody went on.

    Raises:
        RunError: there is no journal, or it is damaged.
    """
    if not folder.journal.exists():
        return []
    with closing(Journal(folder.journal, writable=False)) as journal:
        found = journal.recipes()
    return [(first, files.parse(text, str(folder.journal))) for first, text in found]


def require_as_begun(folder: RunFolder, *, record: bool = False) -> None:
    """Refuse a run whose ``run.toml`` was edited.

    Args:
        folder: of the run.
        record: whether to look at the table ``[record]``, or at all others.

    Raises:
        ResumeError: what it said, and what it says.
    """
    told = edits(folder, record=record)
    if told:
        raise ResumeError(
            f"{folder.recipe} was edited after the run began: {shortened(told, MOST, '; ')}. "
            "Restore it; for an intentional change, recorded from the next generation on, use "
            f"`evoframe resume {folder.path} --change OPTION=VALUE`."
        )


def edits(folder: RunFolder, *, record: bool = False) -> list[str]:
    """Return a sentence for everything in ``run.toml`` that is not as the journal has it."""
    bound = recipes_of(folder)
    if not bound:
        return []
    old, new = (
        dict(_leaves({name: value for name, value in one.items() if _counts(name, record)}))
        for one in (bound[-1][1], written_record(folder))
    )
    return [
        f"{name} was {old.get(name, 'not there')}, is {new.get(name, 'not there')}"
        for name in dict.fromkeys((*old, *new))
        if old.get(name) != new.get(name)
    ]


def changed(folder: RunFolder, tables: files.Tables, changes: Sequence[str]) -> files.Tables:
    """Return the tables of a recipe with changes, which are possible.

    Args:
        folder: of the run.
        tables: what ``run.toml`` says.
        changes: assignments such as ``encoding.temperature=0.1``.

    Raises:
        ConfigError: a change that cannot be understood, or of what made the ancestor.
    """
    found = {name: value for name, value in tables.items() if name != RECORD}
    for change in changes:
        found = files.assigned(found, change)
    for name in FIXED:
        if found.get(name) != tables.get(name):
            raise ConfigError(_fixed(f"[{name}]"))
    if found["run"].get("seed") != tables["run"].get("seed"):
        raise ConfigError(_fixed("run.seed"))
    last, asked = _last(folder), run_options(found).generations
    if asked < last:
        raise ConfigError(f"run.generations is {asked}, and generation {last} is on record.")
    return {**found, RECORD: tables.get(RECORD, {})}


def on_record(journal: Journal, before: files.Tables, now: files.Tables) -> None:
    """Put a changed recipe on record, for the generations from the next on.

    A file that has moved, with the strategy of the same name in it, has moved for all of them.
    """
    known = [(first, files.parse(text, "the journal")) for first, text in journal.recipes()]
    known = known or [(1, before)]
    first = journal.last_generation() + 1
    moved = dict(_moves(before, now))
    known = [(number, _replaced(tables, moved)) for number, tables in known]
    if decides(known[-1][1]) != decides(now) or first == 1:
        known = [*(one for one in known if one[0] < first), (first, now)]
    else:
        known[-1] = known[-1][0], now
    journal.note_recipes(
        [(number, files.write(tables)) for number, tables in known], **{BEFORE: files.write(before)}
    )


def complete(folder: RunFolder) -> None:
    """Write a change into ``run.toml`` that a kill has kept from being written there too."""
    if not edits(folder) and not edits(folder, record=True):
        return
    with closing(Journal(folder.journal, writable=False)) as journal:
        before = journal.fact(BEFORE)
    if before is not None and files.parse(before, str(folder.journal)) == written_record(folder):
        write_atomically(folder.recipe, files.write(recipes_of(folder)[-1][1]).encode())


def of_run(world: World, ready: Mapping[str, Any] | None = None) -> World:
    """Return a world that knows the recipes of all generations of its run.

    All have the task of the last: that is where its data are now.
    """
    bound = recipes_of(world.folder)
    if not bound:
        return world
    with closing(Journal(world.folder.journal, writable=False)) as journal:
        origin = journal.fact(ORIGIN) or ""
    path = world.folder.path
    earlier = [
        (first, _recipe(placed(tables, path), world.recipe, ready)) for first, tables in bound[:-1]
    ]
    recipes = (*earlier, (bound[-1][0], world.recipe)) if earlier else ()
    return attrs.evolve(world, recipes=recipes, origin=origin)


def _recipe(tables: files.Tables, latest: Recipe, ready: Mapping[str, Any] | None) -> Recipe:
    try:
        said = {name: value for name, value in tables.items() if name not in (RECORD, "observer")}
        registry = load_registry(run_options(said).plugins)
        found = recipe_from(said, registry, {**(ready or {}), "task": latest.task})
    except EvoframeError as error:
        raise ResumeError(f"the recipe of an earlier generation cannot be read: {error}") from error
    return attrs.evolve(found, can_be_rebuilt=latest.can_be_rebuilt)


def _last(folder: RunFolder) -> int:
    with closing(Journal(folder.journal, writable=False)) as journal:
        return journal.last_generation()


def decides(tables: files.Tables) -> dict[str, Any]:
    """Return all of a recipe that decides what is brought forth."""
    return {name: value for name, value in tables.items() if name not in (*FREE, RECORD)}


def _fixed(what: str) -> str:
    return (
        f"{what} determined the ancestor, which is on record, so it cannot be changed. Start a new "
        "run that says so from the beginning, with another --out."
    )


def _counts(name: str, record: bool) -> bool:  # noqa: FBT001
    return name == RECORD if record else name not in (RECORD, *FREE)


def _leaves(value: Any, place: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for name, one in value.items():
            yield from _leaves(one, f"{place}.{name}".lstrip("."))
    elif isinstance(value, list) and any(isinstance(one, Mapping) for one in value):
        for index, one in enumerate(value):
            yield from _leaves(one, f"{place}[{index}]")
    else:
        yield place, repr(value)


def _moves(before: files.Tables, now: files.Tables) -> Iterator[tuple[str, str]]:
    """Yield references to files that name the same strategy in another place."""
    old, new = dict(_leaves(before)), dict(_leaves(now))
    for name, said in old.items():
        pair = said.strip("'\""), new.get(name, "").strip("'\"")
        named = {use.rpartition(":")[2] for use in pair}
        if name.endswith(".use") and len(named) == 1 and all(map(_is_in_file, pair)):
            yield pair
    files_then, files_now = (one["run"].get("plugins", []) for one in (before, now))
    yield from zip(files_then, files_now, strict=False)


def _is_in_file(use: str) -> bool:
    return references.is_reference(use) and use.rpartition(":")[0].endswith(".py")


def _replaced(value: Any, moved: Mapping[str, str]) -> Any:
    if isinstance(value, Mapping):
        return {name: _replaced(one, moved) for name, one in value.items()}
    if isinstance(value, list):
        return [_replaced(one, moved) for one in value]
    return moved.get(value, value) if isinstance(value, str) else value
