"""The loop of a run: generation after generation, each individual on record before the next."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

import attrs

from evoframe.errors import RunError, StillbornError
from evoframe.evolution.birth import Birth
from evoframe.evolution.generation import births
from evoframe.evolution.heats import heats
from evoframe.kernel.rungs import Heat
from evoframe.run import failing, measuring, mishaps, rules, selecting, states
from evoframe.run.checks import aims
from evoframe.run.disk.entry import Entry
from evoframe.run.disk.facts import TOLD
from evoframe.run.disk.folder import RunFolder
from evoframe.run.disk.journal import Journal
from evoframe.run.disk.logs import Log
from evoframe.run.disk.record import open_recipe
from evoframe.run.due import Due
from evoframe.run.living.cohorts import jobs_of
from evoframe.run.living.dropping import Dropping
from evoframe.run.living.heats import Heats
from evoframe.run.living.lives import Lives, adopt_ancestor, at_work, brought, live_ancestor, lived
from evoframe.run.living.recall import Recall
from evoframe.run.living.together import Together
from evoframe.run.targets import sized
from evoframe.run.telling import Teller
from evoframe.run.world import World


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
        metric = self.world.recipe.task.primary
        if not self.known:
            yield None
        rules.require_unit(self.known.ancestor, options, metric)
        for number in range(self._first(), options.generations + 1):
            if number > 1 and (due := self._due(number)).missing:
                yield due
            self._told(number)
            if number < self.known.last:
                continue  # the run went on after this one, and the clock may not say otherwise now
            everyone = [self.known.ancestor, *self.known.generation(number)]
            ancestor, *generation = sized(everyone, self.world.recipe.environment)
            seconds = self.teller.seconds()
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
        options, metric = self.world.recipe.run, self.world.recipe.task.primary
        chosen = next(one for one in everyone if one.id == rules.pick(everyone, options, metric))
        said = [
            *aims.missed(everyone, chosen, options, metric),
            *measuring.put_on_record(self.world, self.journal, chosen.id),
        ]
        self.teller.finished(reason, chosen, said)

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
            raise RunError(f"the ancestor is not viable: {error}.") from error
