"""``evoframe new``: a plugin to start from."""

from __future__ import annotations

from pathlib import Path

import click


@click.command(short_help="create a plugin from a template")
@click.argument("role")
@click.argument("name")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="folder to create; default: evoframe-NAME in the current folder",
)
def command(role: str, name: str, *, out: Path | None) -> None:
    """Create a plugin with a working strategy NAME for ROLE, and its test."""
    from evoframe.testing.scaffold import files_of, write

    files, folder = files_of(role, name), out or Path(f"evoframe-{name}")
    write(folder, files)
    for path in files:
        click.echo(folder / path)
    module = next(path for path in files if path.endswith(".py") and "/" not in path)
    click.echo(f"\ntry it:      evoframe check {folder / module}")
    click.echo(f"install it:  pip install -e {folder}")
    click.echo(f"use it:      evoframe evolve --{role} {name} ...")
