"""``evoframe resume``: going on where a run was."""

from __future__ import annotations

from pathlib import Path

import click

from evoframe.cli.finish import report, resumable, telling


@click.command(short_help="go on with a run that was interrupted")
@click.argument("run", type=click.Path(path_type=Path))
@click.option("-v", "--verbose", is_flag=True, help="show every logged event on stderr")
def command(run: Path, *, verbose: bool) -> None:
    """Go on with RUN, however it was ended; what is finished is not done again.

    The result is the same, bit for bit, as if it had never been interrupted.
    """
    from evoframe.run import runner

    with resumable(run), telling(run):
        runner.resume(run, log_level="info" if verbose else "warning")
    report(run)
