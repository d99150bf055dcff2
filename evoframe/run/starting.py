"""Starting: a run is begun in a new folder, or gone on with, and carried to its end."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs

from evoframe.config.convert import anchored
from evoframe.config.recipe import Recipe
from evoframe.registry import Registry
from evoframe.registry.checking import check_observer
from evoframe.run import binding
from evoframe.run.continuing import opening
from evoframe.run.disk.folder import RunFolder
from evoframe.run.disk.journal import Journal
from evoframe.run.disk.logs import open_log
from evoframe.run.disk.record import (
    is_rebuildable,
    require_same_ancestor,
    resolved,
    write_record,
    written_record,
)
from evoframe.run.runner import Runner
from evoframe.run.starving import require_life
from evoframe.run.targets import require_reachable
from evoframe.run.world import World, build_world


def start(
    recipe: Recipe,
    registry: Registry,
    path: Path,
    *,
    log_level: str = "warning",
    founder: Path | None = None,
) -> None:
    """Begin a run in a new folder and carry it to its end.

    Args:
        recipe: what to run.
        registry: where its strategies came from, for the record.
        path: a folder that does not exist or is empty.
        log_level: which log events people see on stderr.
        founder: a run whose ancestor, the same, need not be trained again.

    Raises:
        EvoframeError: what is wrong; if it is the recipe, the task, the device or the folder,
            nothing has been written.
    """
    with written(recipe, registry, path, founder) as world:
        _go_on(world, log_level, (), founder)


@contextmanager
def written(
    recipe: Recipe, registry: Registry, path: Path, founder: Path | None = None
) -> Iterator[World]:
    """Write the record of a new run, and hold its lock; arguments as for :func:`start`."""
    for observer in recipe.observer:
        check_observer(type(observer))
    recipe = anchored(recipe)
    recipe = attrs.evolve(recipe, can_be_rebuilt=is_rebuildable(recipe, registry))
    recipe.executor.check(can_be_rebuilt=recipe.can_be_rebuilt)
    if founder is not None:
        require_same_ancestor(recipe, resolved(recipe, registry), RunFolder(founder))
    folder = RunFolder(path.absolute())
    world = build_world(recipe, folder, attentive=True)
    require_reachable(world)
    require_life(world)
    folder.create()
    with folder.locked():
        write_record(recipe, registry, folder, world.anatomy)
        yield world


def resume(
    path: Path,
    *,
    ready: Mapping[str, Any] | None = None,
    log_level: str = "warning",
    founder: Path | None = None,
    changes: Sequence[str] = (),
    repair: bool = False,
    say: Callable[[Sequence[str]], None] | None = None,
) -> None:
    """Go on with a run from where it was, however it was ended.

    Args:
        path: the run folder.
        ready: strategies that were made in Python when the run began, by role table.
        log_level: which log events people see on stderr.
        founder: the run that this one was begun with, if any, for the case that it was ended before
            it had an ancestor.
        changes: assignments such as ``encoding.temperature=0.1`` that change the recipe from the
            next generation on; they are put on record.
        repair: put damaged files right first.
        say: told the files and modules whose code is run, before it is.

    Raises:
        EvoframeError: what is wrong; the run stays as it was.
    """
    folder = RunFolder(path.absolute())
    if not (repair and folder.journal.exists()):
        folder.require()
    with folder.locked():
        begun_with = None if founder is None else RunFolder(founder)
        opened = opening.opened(folder, ready, begun_with, changes, repair=repair, say=say)
        if opened.world is not None:
            _go_on(opened.world, log_level, opened.told, founder, ready, opened.read)
        elif opened.told:
            with open_log(folder.log) as log:
                log.warnings(opened.told)


def _go_on(
    world: World,
    log_level: str,
    told: Sequence[str],
    founder: Path | None,
    ready: Mapping[str, Any] | None = None,
    read: Journal | None = None,
) -> None:
    with begun(world, log_level, told, ready, read) as runner, runner.guarded():
        runner.run(founder)


@contextmanager
def begun(
    world: World,
    log_level: str,
    told: Sequence[str],
    ready: Mapping[str, Any] | None = None,
    read: Journal | None = None,
) -> Iterator[Runner]:
    """Open the journal and the log of a run, whose lock is held, for a session of it.

    Args:
        world: of the run.
        log_level: which log events people see on stderr.
        told: sentences for the log.
        ready: strategies that were made in Python when the run began, by role table.
        read: its journal, closed, as far as it was read.
    """
    world.folder.sweep()
    journal = Journal(world.folder.journal, writable=True)
    if read is not None:
        journal.go_on_from(read)
    try:
        with open_log(world.folder.log, log_level) as log:
            log.warnings(told)
            binding.bind(journal, written_record(world.folder))
            yield Runner(binding.of_run(world, ready), journal, log)
    finally:
        journal.close()
