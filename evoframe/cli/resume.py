"""``evoframe resume``: going on where a run was."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from evoframe.cli.finish import report, resumable, say_code, telling


@click.command(short_help="resume an interrupted run")
@click.argument("run", type=click.Path(path_type=Path))
@click.option(
    "--change",
    "changes",
    multiple=True,
    metavar="TABLE.OPTION=VALUE",
    help="change the recipe from the next generation on, which is recorded; may be repeated",
)
@click.option(
    "--repair",
    is_flag=True,
    help="first repair damage: the journal from its copy, individuals by repeating their lives",
)
@click.option(
    "--from",
    "mirror",
    metavar="ADDRESS",
    help="first copy a mirror at an fsspec address to RUN, which must not exist yet",
)
@click.option("-v", "--verbose", is_flag=True, help="print every log event to stderr")
def command(
    run: Path, changes: tuple[str, ...], mirror: str | None, *, repair: bool, verbose: bool
) -> None:
    """Resume RUN, however it ended; finished work is not repeated.

    The result is bit-identical to that of an uninterrupted run. Runs the code of the files named
    in RUN/run.toml, and lists them.
    """
    from evoframe.run import starting

    def say(named: Sequence[str]) -> None:
        say_code(run, named)

    if mirror is not None:
        from evoframe.run.disk.copying_back import copied_back

        copied_back(mirror, run)
        click.echo(f"{mirror} was copied to {run}", err=True)
    with resumable(run), telling(run):
        log_level = "info" if verbose else "warning"
        starting.resume(run, log_level=log_level, changes=changes, repair=repair, say=say)
    report(run)
