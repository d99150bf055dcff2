"""``evoframe resume``: going on where a run was."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from evoframe.cli.finish import report, resumable, say_code, telling


@click.command(short_help="go on with a run that was interrupted")
@click.argument("run", type=click.Path(path_type=Path))
@click.option(
    "--change",
    "changes",
    multiple=True,
    metavar="TABLE.OPTION=VALUE",
    help="change the recipe from the next generation on, on record; may be given several times",
)
@click.option(
    "--repair",
    is_flag=True,
    help="first put right what is damaged: the journal from its copy, individuals by living again",
)
@click.option(
    "--from",
    "mirror",
    metavar="ADDRESS",
    help="first copy the run at an address of fsspec, a mirror, to RUN, where none is yet",
)
@click.option("-v", "--verbose", is_flag=True, help="show every logged event on stderr")
def command(
    run: Path, changes: tuple[str, ...], mirror: str | None, *, repair: bool, verbose: bool
) -> None:
    """Go on with RUN, however it was ended; what is finished is not done again.

    The result is the same, bit for bit, as if it had never been interrupted. Runs the code of
    files that RUN/run.toml names, and says which.
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
