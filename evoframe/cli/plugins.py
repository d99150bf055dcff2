"""``evoframe plugins``: what is loaded, from where, and what is not, and why."""

from __future__ import annotations

import click
from rich.console import Console


@click.command(short_help="list plugins, and those that could not be loaded")
@click.option(
    "-p",
    "--plugin",
    "plugins",
    multiple=True,
    metavar="FILE|MODULE",
    help="load a plugin that is not installed",
)
def command(plugins: tuple[str, ...]) -> None:
    """List every plugin with its distribution, version and strategies, and every failure."""
    from evoframe.registry import load_registry
    from evoframe.report.tables import listing

    registry = load_registry(plugins)
    console = Console(soft_wrap=True, highlight=False)
    rows = [
        (one.name, f"{one.distribution} {one.version}".strip() or "-", ", ".join(one.offers))
        for one in registry.plugins
    ]
    table = listing(rows, ("plugin", "distribution", "offers"))
    for column in table.columns[:2]:  # names to be copied
        column.no_wrap = True
    console.print(table)
    if registry.failures:
        console.print("\n[bold]not loaded[/bold]")
        for failure in registry.failures:
            console.print(str(failure), markup=False)
