"""What the commands that carry a run to its end print last."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import click

from evoframe.errors import EvoframeError

MINUTE = 60.0
"""Seconds between two lines that say how far a run is."""


@contextmanager
def resumable(path: Path, how: str = "") -> Iterator[None]:
    """Run a block; when it is interrupted, say how to go on.

    Ctrl-C ends it with exit code 130, and SIGTERM with 143.
    """
    came: list[int] = []
    try:
        with _termination_interrupts(came):
            yield
    except KeyboardInterrupt:
        word = "terminated" if came else "interrupted"
        click.echo(f"\n{word}; continue with: {how or f'evoframe resume {path}'}", err=True)
        sys.exit(143 if came else 130)


@contextmanager
def _termination_interrupts(came: list[int]) -> Iterator[None]:
    """Make SIGTERM interrupt a block as Ctrl-C does, so that nothing is left behind.

    Args:
        came: takes the signal. Libraries that are interrupted may raise another interruption, so
            what was raised does not tell.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(number: int, _frame: object) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # once is enough: what comes now is tidying
        came.append(number)
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def say_code(path: Path, named: Sequence[str]) -> None:
    """Say whose code a command is about to run, where a run names files or modules."""
    if named:
        said = ", ".join(named)
        click.echo(f"runs the code of {said}, which {path / 'run.toml'} names", err=True)


@contextmanager
def telling(path: Path) -> Iterator[None]:
    """Say once a minute how far a run is while a block runs; on a terminal, its bar says that."""
    if sys.stderr.isatty():
        yield
        return
    over = threading.Event()
    teller = threading.Thread(target=_tell, args=(path, over), daemon=True)
    teller.start()
    try:
        yield
    finally:
        over.set()
        teller.join()


def _tell(path: Path, over: threading.Event) -> None:
    while not over.wait(MINUTE):
        from evoframe.report.watching import State  # heavy, and not while the run is imported

        # Before the folder is a run, and whatever else is wrong with it, is told by who lives it.
        with suppress(EvoframeError):
            click.echo(State.of(path).in_words(), err=True)


def report(path: Path) -> None:
    """Print the table of a run, what it delivers, and where it is."""
    from evoframe.cli.screen import columns, screen
    from evoframe.report import tables
    from evoframe.run.run import Run

    run, console = Run(path), screen()
    console.print(tables.generations(run, columns()))
    for line in tables.stillborn(run):
        console.print(line, markup=False)
    console.print(f"\n{tables.headline(run)}\nrun:  {path}", markup=False)
    for line in run.remarks:
        console.print(f"\n{line}", markup=False)
