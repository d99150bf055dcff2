"""``evoframe plugins``: what is loaded, from where, and what is not, and why."""

from __future__ import annotations

import click
from rich.console import Console

from evoframe.cli import shared


@click.command(short_help="list plugins, including those that failed to load")
@shared.plugins
def command(plugins: tuple[str, ...]) -> None:
    """List all plugins with distribution, version and strategies, and all failures.

    Installed plugins are loaded unless excluded by -p no:NAME or by the environment variable
    EVOFRAME_PLUGINS, which lists the plugins to load, separated by commas, or none.
    """
    from evoframe.registry import load_registry
    from evoframe.registry.global_state import in_words
    from evoframe.report.tables import listing

    registry = load_registry(plugins)
    # Names are to be copied, so they are never broken at the terminal's edge.
    console = Console(soft_wrap=True, highlight=False, width=200)
    rows = [
        (one.name, f"{one.distribution} {one.version}".strip() or "-", "\n".join(one.offers))
        for one in registry.plugins
    ]
    console.print(listing(rows, ("plugin", "distribution", "offers")))
    told = {
        "not loaded": list(map(str, registry.failures)),
        "blocked": list(map(str, registry.blocked)),
        "only by its qualified name, for another one has the bare name": [
            f"{one.role} {registry.qualified(one)}, of {one.plugin.whence}"
            for one in registry.shadowed()
        ],
        "put back": [
            in_words(f"plugin {one.name!r} of {one.whence}", one.changed)
            for one in registry.plugins
            if one.changed
        ],
    }
    for title, lines in told.items():
        if lines:
            console.print(f"\n[bold]{title}[/bold]")
            console.print("\n".join(lines), markup=False)
