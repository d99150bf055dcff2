"""``evoframe recipes``: ready-made runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from evoframe.config.prices import Price

HEADER = ("recipe", "CPU", "memory", "test metric", "synapses", "parameters", "about")


@click.command(short_help="list recipes, or show one")
@click.argument("name", required=False)
def command(name: str | None) -> None:
    """List the built-in recipes, or print NAME as TOML, ready to be edited.

    The list gives cost and results of a run on one machine: CPU seconds, peak memory, the metric
    of the ancestor and of the delivered network, and reductions of synapses and parameters.
    """
    from evoframe.cli.screen import screen
    from evoframe.config import files, prices
    from evoframe.errors import ConfigError, close_match
    from evoframe.report.tables import listing

    recipes = files.built_in_recipes()
    if name is None:
        known = prices.prices()
        rows = [
            (key, *cells(known.get(key)), files.parse(text, key)["about"]["title"])
            for key, text in recipes.items()
        ]
        screen().print(listing(rows, HEADER))
        for line in sources(known):
            click.echo(line)
        return
    if name not in recipes:
        raise ConfigError(
            f"there is no recipe {name!r}.{close_match(name, recipes)} "
            f"There are: {', '.join(recipes)}."
        )
    click.echo(recipes[name], nl=False)


def cells(price: Price | None) -> tuple[str, ...]:
    """Return the figures of a recipe as texts; dashes where there are none."""
    if price is None:
        return ("-",) * 5
    if price.unmeasured:
        return ("not measured", "-", "-", "-", "-")
    return (
        f"{price.cpu_seconds:.0f} s",
        f"{price.peak_megabytes:.0f} MB",
        f"{price.ancestor} to {price.metric}",
        f"{price.synapses:.1f}x",
        f"{price.parameters:.1f}x",
    )


def sources(known: dict[str, Price]) -> list[str]:
    """Return lines that say where figures come from, and why some are missing."""
    measured = {name: one for name, one in known.items() if not one.unmeasured}
    machines = dict.fromkeys((one.machine, one.version) for one in measured.values())
    reasons: dict[str, list[str]] = {one.unmeasured: [] for one in known.values() if one.unmeasured}
    for name, one in known.items():
        reasons.get(one.unmeasured, []).append(name)
    commands = {one.command.replace(name, "NAME", 1) for name, one in measured.items()}
    return [
        "",
        *(f"Measured on {machine}; {version}." for machine, version in machines),
        *(f"Each by: {command}" for command in sorted(commands)),
        *(f"{', '.join(names)}: {reason}" for reason, names in reasons.items()),
    ]
