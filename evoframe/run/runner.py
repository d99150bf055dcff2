"""The loop of a run: generation after generation, each individual on record before the next."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import attrs

from evoframe.config.convert import anchored
from evoframe.config.recipe import Recipe
from evoframe.errors import RunError, StillbornError
from evoframe.evolution.birth import Birth
from evoframe.evolution.generation import births
from evoframe.evolution.heats import heats
from evoframe.kernel.rungs import Heat
from evoframe.registry import Registry
from evoframe.registry.checking import check_observer
from evoframe.run import (
    binding,
    failing,
    measuring,
    mishaps,
    opening,
    rules,
    selecting,
    states,
)
from evoframe.run.cohorts import jobs_of
from evoframe.run.dropping import Dropping
from evoframe.run.due import Due
from evoframe.run.entry import Entry
from evoframe.run.facts import TOLD
from evoframe.run.folder import RunFolder
from evoframe.run.heats import Heats
from evoframe.run.journal import Journal
from evoframe.run.lives import Lives, adopt_ancestor, at_work, brought, live_ancestor, lived
from evoframe.run.logs import Log, open_log
from evoframe.run.recall import Recall
from evoframe.run.record import (
    is_rebuildable,
    open_recipe,
    require_same_ancestor,
    resolved,
    write_record,
    written_record,
)
from evoframe.run.starving import require_life
from evoframe.run.targets import require_reachable, sized
from evoframe.run.telling import Teller
from evoframe.run.together import Together
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


class Runner:
    """One session of a run: from the first individual that is missing to a stop rule."""

    def __init__(self, world: World, journal: Journal, log: Log) -> None:
        self.world = world
        self.journal = journal
        self.log = log
        self.teller = Teller(world, journal, log)
        self.executor = world.recipe.executor
        self.dropping = Dropping(world, journal)
        # Read once, and kept in step with what is written from here on.
        self.known = journal.known()
        self.recall = Recall(world, self.known)

    @contextmanager
    def guarded(self) -> Iterator[None]:
        """Run a part of the session; what fails in it is told in full, and on record."""
        world = self.world
        with (
            mishaps.logged(self.log),
            failing.on_record(world.recipe, world.folder, self.journal, self.log),
            mishaps.in_words("the run", world, any_error=False),
        ):
            yield

    def run(self, founder: Path | None) -> None:
        """Live every life that is not on record, until a rule says stop."""
        try:
            with at_work(self.world.recipe.executor) as self.executor:
                self._run(founder)
        finally:
            with suppress(OSError):
                self.world.folder.away.unlink(missing_ok=True)

    def _run(self, founder: Path | None) -> None:
        for due in self.generations():
            if due is None:
                self.teller.record(self._ancestor(founder))
            elif due.heats:
                self._in_rungs(due)
            else:
                for entry in self._lived(due):
                    self.teller.record(entry)

    def generations(self) -> Iterator[Due | None]:
        """Yield who is due in each generation, None for the ancestor, until a rule says stop.

        Whoever asks puts all who are missing on record before the next.
        """
        options = self.world.recipe.run
        self.teller.started()
        if not self.known:
            yield None
        for number in range(self._first(), options.generations + 1):
            if number > 1 and (due := self._due(number)).missing:
                yield due
            self._told(number)
            if number < self.known.last:
                continue  # the run went on after this one, and the clock may not say otherwise now
            everyone = [self.known.ancestor, *self.known.generation(number)]
            ancestor, *generation = sized(everyone, self.world.recipe.environment)
            metric, seconds = self.world.recipe.task.primary, self.teller.seconds()
            reason = rules.stop_reason(generation, ancestor, options, metric, seconds)
            if reason is not None:
                self._finish(reason)
                return

    def _told(self, number: int) -> None:
        """Tell of a generation that nobody was told of, however the run was interrupted."""
        if number > self.journal.number(TOLD):
            self.teller.generation(number)
            self.journal.back_up(self.world.folder.backup)
            self.dropping.after(number)

    def _finish(self, reason: str) -> None:
        everyone = sized(self.journal.individuals(), self.world.recipe.environment)
        chosen = rules.pick(everyone, self.world.recipe.run, self.world.recipe.task.primary)
        self.teller.remark(*measuring.put_on_record(self.world, self.journal, chosen))
        self.teller.finished(reason, chosen)

    def _first(self) -> int:
        """Return the generation to begin with: those before it are whole, and were told of."""
        told = int(self.journal.number(TOLD))
        return max(1, min(self.known.last, told + 1, *self.journal.lost()))

    def _due(self, number: int) -> Due:
        """Return those who are to be born in a generation."""
        world = self.world.at(number)
        recall = self.recall.at(world)
        context = world.context(number, recall.ancestor())
        self.teller.mended(recall.told)
        with mishaps.in_words(f"the parents of generation {number}", world):
            seen = selecting.population(self.known, number, world.recipe)
            kept = states.made(world, self.journal, seen, context).get("selection")
            context = attrs.evolve(context, state=None if kept is None else kept.state)
            due = births(seen, world.recipe.selection, context)
            rungs = heats(seen, world.recipe.selection, due, context)
        # Selection is a function of journal and key: the same births come out after a kill.
        missing = [birth for birth in due if birth.id not in self.known]
        return Due(number, due, missing, rungs, seen, context)

    def _lives(self, number: int) -> Lives:
        world, heard = self.world.at(number), self.teller.observers.heard()
        lives = Lives(world, self.recall, number, heard, self.teller.observers.phase)
        if not self.world.recipe.executor.other_machines:
            return lives
        # All that lives of a generation are made of is on record by now.
        self.journal.copy_to(world.folder.away)
        return attrs.evolve(lives, away=tuple(open_recipe(world.folder)[1]))

    def _lived(self, due: Due) -> Iterator[Entry]:
        """Live the lives of a generation, one by one or several together."""
        lives, send = self._lives(due.number), self.teller.send
        size = lives.world.recipe.training.together
        if size == 1:
            return lived(self.executor, lives, due.missing, send)
        jobs = jobs_of(due.births, due.missing, size)
        ids = {birth.id for birth in due.missing}
        return brought(self.executor, Together(lives), jobs, ids, send)

    def _in_rungs(self, due: Due) -> None:
        """Live a generation rung after rung."""
        world = self.world.at(due.number)
        live = partial(self._on_rung, self._lives(due.number))
        selection = world.recipe.selection
        lived_in = Heats(due.heats, self.journal, selection, due.seen, due.context, live)
        for entry in lived_in.entries(due.births):
            if entry.individual.id not in self.known:
                self.teller.record(entry)
        for birth in due.births:
            world.folder.forget_waiting(birth.id)

    def _on_rung(
        self, lives: Lives, number: int, heat: Heat, births: Sequence[Birth]
    ) -> Iterator[Entry]:
        """Live lives on a rung of their generation."""
        on_rung = attrs.evolve(lives, heat=(number, heat))
        for entry in lived(self.executor, on_rung, births, self.teller.send):
            self.teller.mended(entry.told)
            yield entry

    def _ancestor(self, founder: Path | None) -> Entry:
        if founder is not None:
            return adopt_ancestor(self.world, RunFolder(founder))
        try:
            return live_ancestor(
                self.world.at(1),
                self.teller.send,
                self.teller.observers.heard(),
                self.teller.observers.phase,
            )
        except StillbornError as error:
            raise RunError(f"the ancestor cannot live: {error}.") from error
