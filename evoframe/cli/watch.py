"""``evoframe watch``: a run that goes on in another process."""

from __future__ import annotations

import sys
from pathlib import Path

import click


@click.command(short_help="watch a run that goes on in another process")
@click.argument("run", type=click.Path(path_type=Path))
def command(run: Path) -> None:
    """Show the individuals of RUN as they come, until it is over or nobody works on it.

    The journal is only read. On a terminal it is a table that is drawn anew; elsewhere a line for
    each life, and one a minute. Interrupting it does nothing to the run.
    """
    from rich.console import Console
    from rich.live import Live

    from evoframe.report import watching

    console = Console()
    try:
        if not console.is_terminal:
            watching.watch_lines(run, click.echo)
            return
        with Live(console=console, auto_refresh=False, vertical_overflow="crop") as live:
            watching.watch_table(run, live)
    except KeyboardInterrupt:
        click.echo("no longer watched; the run goes on")
        sys.exit(130)
