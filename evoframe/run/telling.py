"""Telling: what becomes of a run, to its journal, its log and its observers."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence

from evoframe.kernel import device as devices
from evoframe.kernel.events import (
    Event,
    GenerationFinished,
    IndividualEvaluated,
    RunFinished,
    RunStarted,
)
from evoframe.kernel.individual import Individual
from evoframe.kernel.population import is_sound, rank
from evoframe.run import mishaps, surveyed
from evoframe.run.checks import remarks, shrinking
from evoframe.run.disk.entry import Entry
from evoframe.run.disk.facts import ENDING, OF_ENDING, PICK, SECONDS, TOLD
from evoframe.run.disk.journal import Journal
from evoframe.run.disk.logs import Log
from evoframe.run.observers import Observers
from evoframe.run.world import World


class Teller:
    """Tells of one session of a run.

    Attributes:
        observers: those of its recipe.
    """

    def __init__(self, world: World, journal: Journal, log: Log) -> None:
        self._world, self._journal, self._log = world, journal, log
        self._metric = world.recipe.task.primary
        self._known = journal.known()
        self._clock, self._before = time.monotonic(), journal.number(SECONDS)
        self.observers = Observers(world.recipe.observer, self._observer_failed, log.warning)

    def record(self, entry: Entry) -> None:
        """Put an individual on record, and tell of it."""
        one = entry.individual
        self.mended(entry.told)
        # ``repr`` of a float is exact; earlier sessions are part of what ``time`` limits.
        self._journal.add(entry, **{SECONDS: repr(self.seconds())})
        facts = {"individual": one.id, "parents": one.parents, "synapses": one.synapses}
        if one.fitness is None:
            self._log.info("stillborn", reason=one.stillborn, **facts)
        else:
            values = {name: m.value for name, m in one.fitness.validation.items()}
            self._log.info("evaluated", seconds=round(entry.seconds, 3), **facts, metrics=values)
        self.send("evoframe_individual_evaluated", IndividualEvaluated(one))
        self.remark(*remarks.of_life(entry.remarks, self._journal))

    def started(self) -> None:
        """Tell that the run begins, or goes on."""
        options, known = self._world.recipe.run, self._known
        event = RunStarted(
            path=str(self._world.folder.path),
            generations=options.generations,
            population=options.population,
            metric=self._metric,
            on_record=len(known),
            device=devices.describe(self._world.device),
            ancestor=known.ancestor if known else None,
        )
        self._log.info("run resumed" if known else "run started", path=event.path)
        self.remark(*self._world.remarks)
        anatomy = self._world.anatomy
        for one in (*anatomy.barriers, *anatomy.block_barriers):
            facts = {"operation": one.operation, "reason": one.reason}
            self._log.info("barrier", **facts, module=one.module, line=one.line)
        surveyed.put_on_record(self._world, self._journal)
        self.send("evoframe_run_started", event)
        if words := shrinking.nothing_can_leave(self._world.anatomy):
            self.remark(words)

    def generation(self, number: int) -> None:
        """Tell that a generation is whole."""
        members = self._known.generation(number)
        alive = [one for one in members if one.is_alive]
        best = min(alive, key=lambda one: rank(one, self._metric)).id if alive else ""
        self._log.info("generation finished", generation=number, alive=len(alive), best=best)
        if lost := [one.id for one in alive if not is_sound(one, self._metric)]:
            facts = {"generation": number, "metric": self._metric.name, "individuals": lost}
            self._log.warning("a metric is not finite", **facts)
        # Noted first: observers that count or draw must not be told twice.
        self._journal.note_soon(**{TOLD: str(number)})
        self.send("evoframe_generation_finished", GenerationFinished(number, members, best))
        if words := shrinking.not_so_far(members, self._known.ancestor, self._world.anatomy):
            self._log.warning(words)

    def finished(self, reason: str, chosen: Individual, sentences: Sequence[str]) -> None:
        """Put on record that the run is over and whom it delivers, and tell of it.

        Args:
            reason: why it is over.
            chosen: who is delivered.
            sentences: what people should know of that; it goes with the ending if the run goes on.
        """
        ancestor, anatomy = self._known.ancestor, self._world.anatomy
        words = shrinking.did_not_shrink([chosen], ancestor, anatomy)
        said = [*sentences, *([words] if words else [])]
        ending = {ENDING: reason, PICK: chosen.id, OF_ENDING: json.dumps(said)}
        self._journal.note(**ending, **{SECONDS: repr(self.seconds())})
        self._log.info("run finished", reason=reason, pick=chosen.id)
        everyone, options = self._journal.individuals(), self._world.recipe.run
        told = remarks.of_delivery(everyone, chosen.id, self._metric, options)
        self._log.warnings([*said, *told])
        self._journal.back_up(self._world.folder.backup)
        path = str(self._world.folder.path)
        self.send("evoframe_run_finished", RunFinished(path, reason, chosen.id))

    def remark(self, *sentences: str) -> None:
        """Say sentences, and put them on record."""
        self._log.warnings(sentences)
        self._journal.remark(sentences)

    def mended(self, sentences: Sequence[str]) -> None:
        """Say what was damaged, and what became of it."""
        self._log.warnings(sentences)
        for words in sentences:
            self._journal.tell("damage", {"words": words})

    def send(self, hook: str, event: Event) -> None:
        """Send an event to the observers."""
        self.observers.send(hook, event)

    def _observer_failed(self, name: str, error: BaseException) -> None:
        reason = f"{type(error).__name__}: {error}"
        self._journal.tell("observer_disabled", {"observer": name, "reason": reason})
        self._log.in_full("observer failed", observer=name, traceback=mishaps.trace_of(error))
        self._log.warning("observer disabled for the rest of the run", observer=name, reason=reason)

    def seconds(self) -> float:
        """Return the seconds that the run has gone on, in all sessions."""
        return self._before + time.monotonic() - self._clock
