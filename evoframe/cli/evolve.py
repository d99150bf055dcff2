"""``evoframe evolve``: the main job."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from evoframe.cli import shared
from evoframe.cli.finish import report, resumable, telling
from evoframe.roles.table import ROLES

if TYPE_CHECKING:
    from evoframe.config.request import Request

RUN_FLAGS = ("seed", "generations", "population", "until", "max_drop", "time", "device")
"""Options of the run that have a flag of their own."""


def _role_options(function: Any) -> Any:
    for name, role in reversed(ROLES.items()):
        words = "; may be repeated" if role.several else ""
        text = f"{name} to use, see `evoframe strategies {name}`{words}"
        if name != "task":  # whose flag says how people name one of their own
            option = click.option(f"--{name}", multiple=role.several, metavar="NAME", help=text)
            function = option(function)
    return function


@click.command(short_help="evolve a network (the main command)")
@click.option("--recipe", metavar="NAME|FILE", help="recipe to start from, see `evoframe recipes`")
@shared.task
@_role_options
@shared.assignments("set an option, e.g. encoding.temperature=0.1 or environment[1].retention=0.5")
@shared.plugins
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="RUN",
    help="run folder to create; default: a new one under runs/",
)
@click.option("--seed", type=int, help="random seed")
@click.option(
    "--generations", type=int, help="maximum number of generations, including the ancestor's"
)
@click.option("--population", type=int, help="individuals per generation")
@click.option(
    "--until",
    metavar="FACTOR",
    help="stop at this reduction: flops=4x, parameters=4x; 10x means synapses",
)
@click.option(
    "--max-drop",
    type=float,
    metavar="POINTS",
    help="allowed loss of the primary metric; the smallest individual within it is delivered",
)
@click.option("--time", metavar="DURATION", help="stop after this time, e.g. 20m")
@click.option("--device", help="auto, cpu, cuda or cuda:n")
@click.option("-v", "--verbose", is_flag=True, help="print every log event to stderr")
def command(**given: Any) -> None:
    """Evolve a network and show the results.

    Options override the recipe, which overrides the defaults.
    """
    from evoframe.api import new_folder
    from evoframe.run import starting

    request = request_from(given)
    asked = request.resolve()
    out = given["out"] or new_folder(request.name or asked.recipe.task.name)
    with resumable(out), telling(out):
        log_level = "info" if given["verbose"] else "warning"
        starting.start(asked.recipe, asked.registry, out, log_level=log_level)
    report(out)


def request_from(given: Mapping[str, Any]) -> Request:
    """What the command line asks for; a run that names no observer is shown on the console."""
    from evoframe.config.request import Request

    said = {name: given[name] for name in (*ROLES, *RUN_FLAGS)}
    return Request(
        given["recipe"],
        choices={name: value for name, value in said.items() if value not in (None, ())},
        plugins=given["plugins"],
        options=given["assignments"],
        defaults={"observer": [{"use": "console"}]},
    )
