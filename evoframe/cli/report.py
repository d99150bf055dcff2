"""``evoframe report``: a run as one page."""

from __future__ import annotations

from pathlib import Path

import click

from evoframe.cli.at_hand import at_hand


@click.command(short_help="write a run as one page: what came out, how, and how to have it again")
@click.argument("where", metavar="RUN")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="the page; report.html in RUN if not given, where an earlier one is replaced",
)
def command(where: str, out: Path | None) -> None:
    """Write RUN as one HTML file that needs nothing else.

    It is made from the record alone: nothing that the run names is imported, so a run of somebody
    else can be looked at. Works while the run goes on.
    RUN may be at an address of fsspec, as in s3://bucket/run; it is copied first, and the page is
    written here.
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
