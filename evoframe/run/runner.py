"""The loop of a run: generation after generation, each individual on record before the next."""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import attrs

from evoframe.config.convert import anchored
from evoframe.config.recipe import Recipe
from evoframe.errors import RunError, StillbornError
from evoframe.evolution.generation import births
from evoframe.kernel import device as devices
from evoframe.kernel.events import (
    Event,
    GenerationFinished,
    IndividualEvaluated,
    RunFinished,
    RunStarted,
)
from evoframe.kernel.genotype import Genotype
from evoframe.kernel.individual import ANCESTOR
from evoframe.kernel.population import Population, is_sound, rank
from evoframe.registry import Registry
from evoframe.registry.checking import check_observer
from evoframe.run import failing, measuring, remarks, resuming, rules, shrinking, surveyed
from evoframe.run.folder import RunFolder
from evoframe.run.journal import ENDING, PICK, SECONDS, TOLD, Entry, Journal, is_finished
from evoframe.run.lives import Lives, adopt_ancestor, live_ancestor, lived
from evoframe.run.logs import Log, open_log
from evoframe.run.observers import Observers
from evoframe.run.recall import Recall
from evoframe.run.record import (
    RECORD,
    is_rebuildable,
    open_recipe,
    read_record,
    require_same_ancestor,
    resolved,
    write_record,
)
from evoframe.run.starving import require_life
from evoframe.run.targets import require_reachable, sized
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
        _go_on(world, log_level, [], founder)


def resume(
    path: Path,
    *,
    ready: Mapping[str, Any] | None = None,
    log_level: str = "warning",
    founder: Path | None = None,
) -> None:
    """Go on with a run from where it was, however it was ended.

    Args:
        path: the run folder.
        ready: strategies that were made in Python when the run began, by role table.
        log_level: which log events people see on stderr.
        founder: the run that this one was begun with, if any, for the case that it was ended before
            it had an ancestor.

    Raises:
        EvoframeError: what is wrong; the run stays as it was.
    """
    folder = RunFolder(path.absolute())
    folder.require()
    with folder.locked():
        tables, over = read_record(folder), is_finished(folder.journal)
        recorded = tables.get(RECORD, {})
        # Before strategies are made: a record that cannot
        # be gone on with may name some that are gone.
        if not over:
            resuming.require_on_record(recorded, path)
        recipe, changed = open_recipe(folder, ready)
        if over:
            return
        if founder is not None:
            require_same_ancestor(recipe, tables, RunFolder(founder))
        _go_on(resuming.same_world(recipe, recorded, folder), log_level, changed, founder)


def _go_on(world: World, log_level: str, changed: list[str], founder: Path | None) -> None:
    world.folder.sweep()
    journal = Journal(world.folder.journal, writable=True)
    try:
        with open_log(world.folder.log, log_level) as log:
            if changed:
                log.warning("versions differ from the record", changes="; ".join(changed))
            with failing.on_record(world.recipe, world.folder, journal, log):
                _Runner(world, journal, log).run(founder)
    finally:
        journal.close()


class _Runner:
    """One session of a run: from the first individual that is missing to a stop rule."""

    def __init__(self, world: World, journal: Journal, log: Log) -> None:
        self.world = world
        self.journal = journal
        self.log = log
        self.metric = world.recipe.task.primary
        self.observers = Observers(world.recipe.observer, self._observer_failed)
        self.clock = time.monotonic()
        self.before = float(journal.fact(SECONDS) or 0.0)

    def run(self, founder: Path | None) -> None:
        """Live every life that is not on record, until a rule says stop."""
        options = self.world.recipe.run
        self._announce_start()
        if not self.journal.individuals():
            self._record(self._ancestor(founder))
        # From the first each time: what is on record is passed by quickly,
        # and nothing but the journal has to say where the run was.
        for number in range(1, options.generations + 1):
            if number > 1:
                self._generation(number)
            self._announce_generation(number)
            everyone = self.journal.individuals()
            if number < everyone[-1].generation:
                continue  # the run went on after this one, and the clock may not say otherwise now
            generation = [one for one in everyone if one.generation == number]
            ancestor, *generation = sized([everyone[0], *generation], self.world.recipe.environment)
            reason = rules.stop_reason(generation, ancestor, options, self.metric, self._seconds())
            if reason is not None:
                self._finish(reason)
                return

    def _generation(self, number: int) -> None:
        context = self.world.context(number, self._ancestor_genotype)
        due = births(self._population(number), self.world.recipe.selection, context)
        there = {one.id for one in self.journal.individuals()}
        # Selection is a function of the journal and the
        # key, so the same births come out after a kill.
        missing = [birth for birth in due if birth.id not in there]
        if not missing:
            return
        lives = Lives(self.world, number, self.observers.heard(), self.observers.phase)
        for entry in lived(self.world.recipe.executor, lives, missing, self._send):
            self._record(entry)

    def _population(self, number: int) -> Population:
        archive = tuple(
            one for one in self.journal.individuals() if one.is_alive and one.generation < number
        )
        return Population(
            individuals=tuple(one for one in archive if one.generation == number - 1),
            archive=archive,
            size=self.world.recipe.run.population,
            parents=self.world.recipe.heredity.parents,
            metric=self.metric,
            metrics=self.world.recipe.task.metrics,
        )

    def _ancestor(self, founder: Path | None) -> Entry:
        if founder is not None:
            return adopt_ancestor(self.world, RunFolder(founder))
        try:
            return live_ancestor(
                self.world, self._send, self.observers.heard(), self.observers.phase
            )
        except StillbornError as error:
            raise RunError(f"the ancestor cannot live: {error}.") from error

    @cached_property
    def _ancestor_genotype(self) -> Genotype:
        """What selections are told of the ancestor; read from disk once a session."""
        return Recall.of(self.world).genotype(ANCESTOR)

    # --- telling ------------------------------------------------------------------------------

    def _record(self, entry: Entry) -> None:
        one = entry.individual
        self.journal.add(entry)
        # ``repr`` of a float is exact; the time of earlier
        # sessions is part of what ``time`` limits.
        self.journal.note(**{SECONDS: repr(self._seconds())})
        facts = {"individual": one.id, "parents": one.parents, "synapses": one.synapses}
        if one.fitness is None:
            self.log.info("stillborn", reason=one.stillborn, **facts)
        else:
            values = {name: m.value for name, m in one.fitness.validation.items()}
            self.log.info("evaluated", seconds=round(entry.seconds, 3), **facts, metrics=values)
        self._send("evoframe_individual_evaluated", IndividualEvaluated(one))
        self._remark(*remarks.of_life(entry.remarks, self.journal))

    def _announce_start(self) -> None:
        options, everyone = self.world.recipe.run, self.journal.individuals()
        event = RunStarted(
            path=str(self.world.folder.path),
            generations=options.generations,
            population=options.population,
            metric=self.metric,
            on_record=len(everyone),
            device=devices.describe(self.world.device),
            ancestor=everyone[0] if everyone else None,
        )
        self.log.info("run resumed" if everyone else "run started", path=event.path)
        self._remark(*self.world.remarks)
        anatomy = self.world.anatomy
        for one in (*anatomy.barriers, *anatomy.block_barriers):
            facts = {"operation": one.operation, "reason": one.reason}
            self.log.info("barrier", **facts, module=one.module, line=one.line)
        surveyed.put_on_record(self.world, self.journal)
        self._send("evoframe_run_started", event)
        if words := shrinking.nothing_can_leave(self.world.anatomy):
            self._remark(words)

    def _announce_generation(self, number: int) -> None:
        """Tell of a generation that nobody was told of, however the run was interrupted."""
        if number <= int(self.journal.fact(TOLD) or 0):
            return
        everyone = self.journal.individuals()
        members = tuple(one for one in everyone if one.generation == number)
        alive = [one for one in members if one.is_alive]
        best = min(alive, key=lambda one: rank(one, self.metric)).id if alive else ""
        self.log.info("generation finished", generation=number, alive=len(alive), best=best)
        if lost := [one.id for one in alive if not is_sound(one, self.metric)]:
            facts = {"generation": number, "metric": self.metric.name, "individuals": lost}
            self.log.warning("a metric is not finite", **facts)
        # Noted first: observers that count or draw must not be told twice.
        self.journal.note(**{TOLD: str(number)})
        self._send("evoframe_generation_finished", GenerationFinished(number, members, best))
        if words := shrinking.did_not_shrink(members, everyone[0], self.world.anatomy):
            self._remark(words)

    def _finish(self, reason: str) -> None:
        everyone = sized(self.journal.individuals(), self.world.recipe.environment)
        chosen = rules.pick(everyone, self.world.recipe.run, self.metric)
        self._remark(*measuring.put_on_record(self.world, self.journal, chosen))
        self.journal.note(**{ENDING: reason, PICK: chosen, SECONDS: repr(self._seconds())})
        self.log.info("run finished", reason=reason, pick=chosen)
        everyone, most = self.journal.individuals(), self.world.recipe.run.max_drop
        for line in remarks.of_delivery(everyone, chosen, self.metric, most):
            self.log.warning(line)
        path = str(self.world.folder.path)
        self._send("evoframe_run_finished", RunFinished(path, reason, chosen))

    def _remark(self, *sentences: str) -> None:
        """Say sentences, and put them on record."""
        for words in sentences:
            self.log.warning(words)
        self.journal.remark(sentences)

    def _send(self, hook: str, event: Event) -> None:
        self.observers.send(hook, event)

    def _observer_failed(self, name: str, error: BaseException) -> None:
        reason = f"{type(error).__name__}: {error}"
        self.journal.tell("observer_disabled", {"observer": name, "reason": reason})
        self.log.warning("observer disabled for the rest of the run", observer=name, reason=reason)

    def _seconds(self) -> float:
        return self.before + time.monotonic() - self.clock
