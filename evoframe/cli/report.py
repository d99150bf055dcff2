"""``evoframe report``: a run as one page."""

from __future__ import annotations

from pathlib import Path

import click

from evoframe.cli.at_hand import at_hand


@click.command(short_help="write a run as one HTML page")
@click.argument("where", metavar="RUN")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="file for the page; default: report.html in RUN, which is overwritten",
)
def command(where: str, out: Path | None) -> None:
    """Write RUN as one self-contained HTML file.

    It is made from the record alone. Nothing that the run names is imported, so it is safe for
    runs of others. It also works while the run is in progress.
    RUN may be at an fsspec address, as in s3://bucket/run; it is copied first, and the page is
    written to the current folder.
    """
    from evoframe.remote import is_address
    from evoframe.report.page import render
    from evoframe.run.run import Run

    run = at_hand(where)
    opened = Run(run)
    page = render.of_run(opened)
    file = out or (Path() if is_address(where) else run) / "report.html"
    render.write(page, file)
    click.echo(f"{file}: {len(page.encode()) / 1000:,.0f} kB")
