"""``evoframe show``: what a run has brought forth."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from evoframe.cli.at_hand import at_hand

if TYPE_CHECKING:
    from evoframe.kernel.clusters import Kind


@click.command(short_help="show the individuals of a run")
@click.argument("where", metavar="RUN")
@click.option(
    "--individual",
    metavar="ID",
    help="individual whose lineage and layers to show; default: the best",
)
@click.option(
    "--clusters",
    type=click.Choice(("kernel", "filter", "bundle")),
    help="also show remaining clusters, and the similarity of networks within a generation",
)
@click.option(
    "--json", "as_json", is_flag=True, help="print everything as JSON, including the run's digest"
)
@click.option(
    "--latency", is_flag=True, help="measure the latency of its network and of the ancestor's"
)
def command(
    where: str, individual: str | None, clusters: Kind | None, *, as_json: bool, latency: bool
) -> None:
    """Show the generations of RUN, and the lineage and layers of its best individual.

    RUN may be at an fsspec address, as in s3://bucket/run; it is copied first.
    It also works while the run is in progress. Only --latency and --clusters run code named in
    RUN/run.toml, because they need its networks, and they list the files.
    """
    from evoframe.cli.finish import say_code
    from evoframe.cli.screen import columns, screen
    from evoframe.report import tables
    from evoframe.report.structure import structure
    from evoframe.report.watching import State
    from evoframe.run.run import Run

    run = at_hand(where)
    opened = Run(run)
    if as_json:
        click.echo(json.dumps(opened.as_json(), indent=2, allow_nan=False))
        return
    state = State.of(run)
    if not opened.entries and state.held:
        click.echo(f"{run}: {state.in_words()}. Watch it with `evoframe watch {run}`.")
        return
    chosen = individual or opened.best.id
    lineage, layers = tables.lineage(opened, chosen), tables.layers(opened, chosen)
    if latency or clusters is not None:
        say_code(run, opened.code())
    console = screen()
    console.print(tables.generations(opened, columns()))
    for line in tables.stillborn(opened):
        console.print(line, markup=False)
    console.print(f"\nlineage of {chosen}")
    console.print(lineage)
    console.print(f"\nlayers of {chosen}")
    console.print(layers)
    for line in tables.besides(opened, chosen):
        console.print(line, markup=False)
    if latency:
        from evoframe.report import sizes

        table, warned = sizes.side_by_side(opened, chosen)
        console.print(f"\n{chosen} beside the ancestor, on this machine")
        console.print(table)
        for line in warned:
            console.print(line, markup=False)
    if clusters is not None:
        console.print("\nkernels, and clusters by their place in the ancestor (means)")
        console.print(structure(opened, clusters))
    for line in opened.remarks:
        console.print(f"\n{line}", markup=False)
    ending = opened.ending or f"not finished: {state.in_words()}"
    console.print(f"\n{ending}; digest {opened.digest()}", markup=False)
