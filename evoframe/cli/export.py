"""``evoframe export``: a delivered network in a form that needs no run."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console

from evoframe.cli.at_hand import at_hand


@click.command(short_help="export a network for use elsewhere")
@click.argument("where", metavar="RUN")
@click.option(
    "--format",
    "form",
    type=click.Choice(["state", "torch-export", "onnx"]),
    default="state",
    show_default=True,
    help="format: weights and architecture, a torch.export program, or ONNX",
)
@click.option("--individual", metavar="ID", help="individual to export; default: the best")
@click.option(
    "--out", type=click.Path(path_type=Path), help="new folder; default: RUN/export-FORMAT"
)
@click.option(
    "--network",
    metavar="FILE:FACTORY",
    help="function that builds the network, for a run whose task was made in Python",
)
@click.option(
    "--to",
    metavar="ADDRESS",
    help="also copy the folder to an fsspec address, e.g. s3://bucket/net",
)
@click.option("--force", is_flag=True, help="replace an existing folder")
@click.option(
    "--measure/--no-measure", default=True, help="measure latency before and after on this machine"
)
def command(
    where: str,
    form: str,
    individual: str | None,
    out: Path | None,
    network: str | None,
    to: str | None,
    *,
    force: bool,
    measure: bool,
) -> None:
    """Export the network of RUN's best individual, with its smaller tensors.

    Prints its costs and those of the ancestor, measured on this machine. Runs the code of the
    files named in RUN/run.toml or --network, and lists them. RUN may be at an fsspec address; it
    is copied first.
    """
    from evoframe import remote
    from evoframe.cli.finish import say_code
    from evoframe.errors import RunError
    from evoframe.export.writing import export, require_free
    from evoframe.report import sizes
    from evoframe.run.disk.folder import RunFolder
    from evoframe.run.disk.headers import require_readable
    from evoframe.run.disk.standing_in import factory_of
    from evoframe.run.run import Run

    if remote.is_address(where) and out is None:
        raise click.UsageError("a run at an address is exported to a folder here: name it by --out")
    target = None if to is None else remote.Remote(to)
    if target is not None and target.sizes() and not force:
        raise RunError(f"{to} is there already. Replace its files with --force.")
    run = at_hand(where)
    opened = Run(run)
    if network is not None:
        click.echo(f"runs the code of {network.rpartition(':')[0]}", err=True)
        opened = opened.with_network(factory_of(network))
    chosen = individual or opened.best.id
    folder = out or opened.export_folder(form)
    require_free(folder, force=force)
    require_readable(RunFolder(run))
    if network is None:
        say_code(run, opened.code())
    console = Console(soft_wrap=True, highlight=False)
    for line in export(opened.delivered(chosen), form, folder, force=force):
        console.print(line, markup=False)
    console.print(f"{chosen} is in {folder}", markup=False)
    if to is not None:
        remote.brought(folder, to)
        console.print(f"and at {to}", markup=False)
    if measure:
        table, warned = sizes.side_by_side(opened, chosen)
        console.print(table)
        for line in warned:
            console.print(line, markup=False)
