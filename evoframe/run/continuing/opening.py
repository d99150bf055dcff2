"""Opening: a run that was begun earlier is looked over before anything in it is gone on with."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from typing import Any

import attrs

from evoframe.config import files
from evoframe.config.convert import anchored, recipe_from, run_options
from evoframe.registry import load_registry
from evoframe.run import binding, resuming
from evoframe.run.continuing import repairing
from evoframe.run.disk.facts import ENDING, OF_ENDING, PICK
from evoframe.run.disk.folder import RunFolder, write_atomically
from evoframe.run.disk.headers import require_readable
from evoframe.run.disk.journal import Journal, is_finished
from evoframe.run.disk.reading import code_named
from evoframe.run.disk.record import (
    RECORD,
    open_recipe,
    placed,
    read_record,
    record_of,
    require_same_ancestor,
    written_record,
)
from evoframe.run.living.recall import Recall
from evoframe.run.targets import require_reachable
from evoframe.run.world import World


@attrs.frozen(eq=False)
class Opened:
    """A run that was looked over.

    Attributes:
        world: to go on in; None if the run is over.
        told: sentences for the log.
        read: its journal, closed, as far as it was read; with the lock held nobody has added to it.
    """

    world: World | None
    told: Sequence[str] = ()
    read: Journal | None = None


def opened(
    folder: RunFolder,
    ready: Mapping[str, Any] | None,
    founder: RunFolder | None,
    changes: Sequence[str],
    *,
    repair: bool,
    say: Callable[[Sequence[str]], None] | None = None,
) -> Opened:
    """Return a run as it can be gone on with; called with its lock held.

    Args:
        folder: of the run.
        ready: strategies that were made in Python when the run began, by role table.
        founder: the run that this one was begun with, if any.
        changes: assignments that change its recipe from the next generation on.
        repair: whether damaged files are put right first.
        say: told the files and modules whose code is run, before it is.

    Raises:
        EvoframeError: what is wrong; the run stays as it was.
    """
    told = repairing.journal(folder) if repair else []
    read = repairing.require_journal(folder)
    require_readable(folder)
    over, recorded = is_finished(folder.journal), read_record(folder).get(RECORD, {})
    # Before strategies are made: a record that cannot
    # be gone on with may name some that are gone.
    if not over or changes:
        resuming.require_on_record(recorded, folder.path)
    binding.complete(folder)
    binding.require_as_begun(folder)
    if say is not None:
        say(code_named(read_record(folder)))
    if changes:
        world = _changed(folder, ready, changes)
        told.append(f"the recipe is changed from the next generation on: {', '.join(changes)}")
        over = is_finished(folder.journal)
    else:
        recipe, differences = open_recipe(folder, ready)
        if over and not repair:
            return Opened(None)
        if founder is not None:
            require_same_ancestor(recipe, read_record(folder), founder)
        world = resuming.same_world(recipe, recorded, folder)
        binding.require_as_begun(folder, record=True)
        if differences:
            told.append(f"versions differ from the record: {'; '.join(differences)}")
    if repair:
        told += repairing.individuals(Recall.of(binding.of_run(world, ready)))
    return Opened(None if over else world, told, read)


def _changed(folder: RunFolder, ready: Mapping[str, Any] | None, changes: Sequence[str]) -> World:
    """Change the recipe of a run in its journal and in ``run.toml``.

    Raises:
        EvoframeError: it cannot be changed so; then nothing is.
    """
    tables = written_record(folder)
    now = placed(binding.changed(folder, tables, changes), folder.path)
    recorded = now.pop(RECORD)
    registry = load_registry(run_options(now).plugins)
    recipe = anchored(recipe_from(now, registry, ready))
    if ready:
        recipe = attrs.evolve(recipe, can_be_rebuilt=False)
    recipe.executor.check(can_be_rebuilt=recipe.can_be_rebuilt)
    world = resuming.same_ancestor(recipe, recorded, folder)
    require_reachable(world)
    text = files.write(record_of(recipe, registry, folder, world.anatomy))
    with closing(Journal(folder.journal, writable=True)) as journal:
        binding.on_record(journal, tables, files.parse(text, "the recipe"))
        if binding.decides(tables) != binding.decides(files.parse(text, "the recipe")):
            journal.forget(ENDING, PICK, OF_ENDING)
    write_atomically(folder.recipe, text.encode())
    return world
