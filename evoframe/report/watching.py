"""Watching: how far a run in another process has come, read from its folder and journal."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import attrs
from rich.console import Group
from rich.live import Live
from rich.text import Text
from safetensors import SafetensorError, safe_open

from evoframe.config.convert import run_options
from evoframe.kernel.individual import Individual
from evoframe.kernel.sizes import fewer_in_words, sizes_in_words
from evoframe.report import tables
from evoframe.run.disk.folder import RunFolder
from evoframe.run.disk.journal import Journal
from evoframe.run.disk.record import read_record
from evoframe.run.run import Run

MINUTE = 60.0
LOOK = 1.0
"""Seconds between two looks at a journal."""

Say = Callable[[str], None]


@attrs.frozen
class State:
    """How far a run has come.

    Attributes:
        run: as it stands; not to be kept.
        lives: how many there can be in all.
        held: whether a process is working on it.
        living: ids whose life was put down between epochs, with the epochs behind them.
    """

    run: Run
    lives: int
    held: bool
    living: tuple[tuple[str, int], ...]

    @classmethod
    def of(cls, path: Path, reader: Reader | None = None) -> State:
        """Return the state of a run now.

        Args:
            path: the run.
            reader: of its journal, if it was looked at before.
        """
        folder = RunFolder(path)
        options = run_options(read_record(folder))
        lives = 1 + (options.generations - 1) * options.population
        # Asked before the journal is read: a run that ends in between is read as ended.
        held = folder.is_held()
        run = Run(path) if reader is None else reader.run()
        return cls(run, lives, held, _living(folder))

    def in_words(self) -> str:
        """Return a sentence on how far it has come, and who is alive now."""
        done = len(self.run.entries)
        if self.run.ending is not None:
            return f"finished: {self.run.ending}"
        if not self.held:
            return (
                f"{done} of {self.lives} lives are on record, and no process is working on it. "
                f"Continue with `evoframe resume {self.run.path}`."
            )
        who = "the ancestor is being trained" if not done else "the next are in training"
        if self.living:
            known = [f"{name} after {epochs} epochs" for name, epochs in self.living]
            who = f"in training: {', '.join(known)}"
        return f"{done} of {self.lives} lives are on record; {who}"


class Reader:
    """Reads a journal again and again: what is new in it, and nothing twice.

    It is opened for each look, as it may be written over in between, by a copy from elsewhere.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._before: tuple[int, Journal] | None = None

    def run(self) -> Run:
        """Return the run as it stands now."""
        run, path = Run(self._path), RunFolder(self._path).journal
        with closing(Journal(path, writable=False)) as journal:
            file = path.stat().st_ino
            if self._before is not None and self._before[0] == file:
                journal.go_on_from(self._before[1])
            run.__dict__["entries"] = journal.entries()
        self._before = file, journal
        return run


def _living(folder: RunFolder) -> tuple[tuple[str, int], ...]:
    found = []
    for path in sorted(folder.checkpoint("*").parent.glob("*.safetensors")):
        try:
            with safe_open(path, "pt") as tensors:
                found.append((path.stem, int(tensors.get_tensor("epochs"))))
        except (OSError, SafetensorError, ValueError):
            continue  # it was taken up again, or is over, while we looked
    return tuple(found)


def watch_lines(
    path: Path,
    say: Say,
    *,
    wait: Callable[[float], None] = time.sleep,
    now: Callable[[], float] = time.monotonic,
) -> None:
    """Say a line for each life and one a minute, until the run is over or nobody works on it.

    Args:
        path: the run.
        say: takes a line.
        wait: passes the time between two looks.
        now: tells the time.
    """
    told, last, reader = 0, now(), Reader(path)
    while True:
        state = State.of(path, reader)
        for one in state.run.individuals[told:]:
            say(line_of(state.run, one))
            told, last = told + 1, now()
        if state.run.ending is not None or not state.held:
            say(state.in_words())
            return
        if now() - last >= MINUTE:
            say(state.in_words())
            last = now()
        wait(LOOK)


def line_of(run: Run, one: Individual) -> str:
    """Return an individual in a line: its metric, and how many times smaller it is."""
    if one.fitness is None:
        return f"{one.id}: stillborn, {one.stillborn}"
    value = tables.measured(one, run.metric, "validation")
    sizes = sizes_in_words(one.fitness.costs)
    if one.id != run.ancestor.id and run.ancestor.fitness is not None:
        sizes = fewer_in_words(one.fitness.costs, run.ancestor.fitness.costs)
    return f"{one.id}: {run.metric.name} {value}, {sizes}"


def watch_table(path: Path, live: Live, *, wait: Callable[[float], None] = time.sleep) -> str:
    """Show the table of a run until it is over or nobody works on it; returns the last words.

    Args:
        path: the run.
        live: where it is shown.
        wait: passes the time between two looks.
    """
    reader = Reader(path)
    while True:
        state = State.of(path, reader)
        size = live.console.size
        live.update(shown(state, size.width, size.height), refresh=True)
        if state.run.ending is not None or not state.held:
            return state.in_words()
        wait(LOOK)


def shown(state: State, width: int, height: int) -> Group:
    """Return the table of a run as far as a terminal has room, the latest individuals."""
    words = Text(f"\n{state.in_words()}")
    if not state.run.entries:
        return Group(Text(str(state.run.path), style="bold"), words)
    room = max(height - 6, 3)
    sheet = tables.generations(state.run, width, latest=room)
    hidden = max(len(state.run.entries) - room, 0)
    above = Text(f"{hidden} more above" if hidden else "")
    return Group(Text(str(state.run.path), style="bold"), above, sheet, words)
