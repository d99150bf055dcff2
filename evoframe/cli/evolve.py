"""``evoframe evolve``: the main job."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from evoframe.cli.finish import report, resumable

ROLE_FLAGS = {
    "heredity": False,
    "encoding": False,
    "mutation": True,
    "environment": True,
    "training": False,
    "nurture": True,
    "selection": False,
    "executor": False,
    "observer": True,
}
"""The roles that have a flag of their own, and whether it may be given several times."""

RUN_FLAGS = ("seed", "generations", "population", "until", "max_drop", "time", "device")
"""Options of the run that have a flag of their own."""


def _role_options(function: Any) -> Any:
    for role, several in reversed(ROLE_FLAGS.items()):
        words = "; may be given several times" if several else ""
        function = click.option(
            f"--{role}",
            multiple=several,
            metavar="NAME",
            help=f"the {role} to use, see `evoframe strategies {role}`{words}",
        )(function)
    return function


@click.command(short_help="evolve a network: the main job")
@click.option(
    "--recipe", metavar="NAME|FILE", help="a recipe to start from, see `evoframe recipes`"
)
@click.option(
    "--task", metavar="NAME|REF", help="a task, or your own as file.py:Name or module:Name"
)
@_role_options
@click.option(
    "-o",
    "--option",
    "assignments",
    multiple=True,
    metavar="SLOT.OPTION=VALUE",
    help="set an option, e.g. encoding.temperature=0.1, environment[1].retention=0.5",
)
@click.option(
    "-p",
    "--plugin",
    "plugins",
    multiple=True,
    metavar="FILE|MODULE",
    help="load a plugin that is not installed",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="RUN",
    help="the run folder to make; by default a new one under runs/",
)
@click.option("--seed", type=int, help="where all randomness comes from")
@click.option("--generations", type=int, help="generations at most, the ancestor's included")
@click.option("--population", type=int, help="individuals in each generation")
@click.option("--until", metavar="FACTOR", help="stop when this much smaller: 10x, parameters=4x")
@click.option(
    "--max-drop",
    type=float,
    metavar="POINTS",
    help="loss of the primary metric allowed; the smallest within it is delivered",
)
@click.option("--time", metavar="DURATION", help="stop after this long, e.g. 20m")
@click.option("--device", help="auto, cpu, cuda or cuda:n")
@click.option("-v", "--verbose", is_flag=True, help="show every logged event on stderr")
def command(**given: Any) -> None:
    """Evolve a network and show what came of it.

    Defaults come first, then the recipe, then what is said here.
    """
    from evoframe.api import new_folder
    from evoframe.config.convert import recipe_from, run_options
    from evoframe.registry import load_registry
    from evoframe.run import runner

    tables = tables_from(given)
    registry = load_registry(run_options(tables).plugins)
    recipe = recipe_from(tables, registry)
    name = Path(given["recipe"]).stem if given["recipe"] else recipe.task.name
    out = given["out"] or new_folder(name)
    with resumable(out):
        runner.start(recipe, registry, out, level="info" if given["verbose"] else "warning")
    report(out)


def tables_from(given: dict[str, Any]) -> dict[str, Any]:
    """Return the tables of the recipe, changed by what the command line says."""
    from evoframe.config import files
    from evoframe.config.convert import run_options

    tables = files.read_recipe(given["recipe"]) if given["recipe"] else {}
    for slot in ("task", *ROLE_FLAGS):
        names = given[slot]
        if names:
            tables = files.chosen(tables, slot, [names] if isinstance(names, str) else names)
    if "observer" not in tables:
        tables["observer"] = [{"use": "console"}]
    run = dict(files.table(tables.get("run", {}), "run"))
    run |= {name: given[name] for name in RUN_FLAGS if given[name] is not None}
    if given["plugins"]:
        run["plugins"] = [*run_options({"run": run}).plugins, *given["plugins"]]
    tables["run"] = run
    for assignment in given["assignments"]:
        tables = files.assigned(tables, assignment)
    return tables
