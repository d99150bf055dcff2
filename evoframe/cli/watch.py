"""``evoframe watch``: a run that goes on in another process."""

from __future__ import annotations

import sys
from pathlib import Path

import click


@click.command(short_help="watch a run in progress")
@click.argument("run", type=click.Path(path_type=Path))
def command(run: Path) -> None:
    """Show the individuals of RUN as they are recorded, until no process works on it.

    The journal is only read. On a terminal the table is refreshed in place; elsewhere a line is
    printed for each life, and one per minute. Interrupting it does not affect the run.
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
        click.echo("stopped watching; the run continues")
        sys.exit(130)
