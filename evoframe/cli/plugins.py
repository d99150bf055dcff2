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
    # Names are to be copied, so they are never broken at the terminal's edge.
    console = Console(soft_wrap=True, highlight=False, width=200)
    rows = [
        (one.name, f"{one.distribution} {one.version}".strip() or "-", "\n".join(one.offers))
        for one in registry.plugins
    ]
    console.print(listing(rows, ("plugin", "distribution", "offers")))
    if registry.failures:
        console.print("\n[bold]not loaded[/bold]")
        for failure in registry.failures:
            console.print(str(failure), markup=False)
