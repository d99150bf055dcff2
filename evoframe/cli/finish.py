"""What the commands that carry a run to its end print last."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click


@contextmanager
def resumable(path: Path, how: str = "") -> Iterator[None]:
    """Run a block; when a person interrupts it, say how to go on and exit with code 130."""
    try:
        yield
    except KeyboardInterrupt:
        click.echo(f"\ninterrupted; go on with: {how or f'evoframe resume {path}'}", err=True)
        sys.exit(130)


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
