"""``evoframe recipes``: ready-made runs."""

from __future__ import annotations

import click
from rich.console import Console


@click.command(short_help="list recipes, or show one")
@click.argument("name", required=False)
def command(name: str | None) -> None:
    """List the recipes that come with evoframe, or print NAME as TOML, ready to be changed."""
    from evoframe.config import files
    from evoframe.errors import ConfigError, close_match
    from evoframe.report.tables import listing

    recipes = files.built_in_recipes()
    if name is None:
        rows = [(key, files.parse(text, key)["about"]["title"]) for key, text in recipes.items()]
        Console(soft_wrap=True, highlight=False).print(listing(rows, ("recipe", "about")))
        return
    if name not in recipes:
        raise ConfigError(
            f"there is no recipe {name!r}.{close_match(name, recipes)} "
            f"There are: {', '.join(recipes)}."
        )
    click.echo(recipes[name], nl=False)
