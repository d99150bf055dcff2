"""``evoframe strategies``: what there is to choose from."""

from __future__ import annotations

import click
from rich.console import Console
from rich.markup import escape

from evoframe.cli import shared


@click.command(short_help="list strategies, or show the options of one")
@click.argument("role", required=False)
@click.argument("name", required=False)
@shared.plugins
def command(role: str | None, name: str | None, plugins: tuple[str, ...]) -> None:
    """List all strategies, or those of a ROLE, or show the options of NAME with a TOML example."""
    from evoframe.registry import describe, load_registry
    from evoframe.report.tables import listing
    from evoframe.roles import ROLES

    registry = load_registry(plugins)
    console = Console(soft_wrap=True, highlight=False)
    if role is not None and name is not None:
        offer = registry.find(role, name)
        console.print(
            f"{offer.role} [bold]{offer.name}[/bold] (from {escape(offer.plugin.name)})\n"
        )
        console.print(describe.documentation(offer.strategy), markup=False)
        rows = describe.option_rows(offer.strategy)
        if rows:
            # The meaning stands below type and default, so that it has a whole line to itself.
            told = [(name, f"{kind}; {default}\n{words}") for name, kind, default, words in rows]
            console.print()
            console.print(listing(told, ("option", "type; default, and meaning")))
        console.print()
        console.print(describe.toml_snippet(offer.strategy), markup=False, end="")
        return
    roles = [role] if role is not None else list(ROLES)
    rows = [row for one in roles for row in describe.strategy_rows(registry, one)]
    console.print(listing(rows, ("role", "strategy", "what it does", "from")))
