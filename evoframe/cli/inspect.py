"""``evoframe inspect``: what a survey of an ancestor finds, before anything is run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs
import click
from rich.console import Console

from evoframe.cli.evolve import ROLE_FLAGS, RUN_FLAGS, tables_from


@click.command(short_help="tell what may leave a network, and what stays and why")
@click.option("--recipe", metavar="NAME|FILE", help="a recipe, see `evoframe recipes`")
@click.option(
    "--task", metavar="NAME|REF", help="a task, or your own as file.py:Name or module:Name"
)
@click.option(
    "-o",
    "--option",
    "assignments",
    multiple=True,
    metavar="SLOT.OPTION=VALUE",
    help="set an option, e.g. task.data=FOLDER, anatomy.multiple=8",
)
@click.option(
    "-p",
    "--plugin",
    "plugins",
    multiple=True,
    metavar="FILE|MODULE",
    help="load a plugin that is not installed",
)
def command(**given: Any) -> None:
    """Survey the ancestor of a task or a recipe; nothing is trained or written."""
    from evoframe.config.convert import recipe_from, run_options
    from evoframe.registry import load_registry
    from evoframe.report import body
    from evoframe.run.folder import RunFolder
    from evoframe.run.world import build_world

    given |= dict.fromkeys((*ROLE_FLAGS, *RUN_FLAGS))
    tables = tables_from(given)
    recipe = recipe_from(tables, load_registry(run_options(tables).plugins))
    recipe = attrs.evolve(recipe, run=attrs.evolve(recipe.run, device="cpu"))
    anatomy = build_world(recipe, RunFolder(Path())).anatomy
    console = Console(soft_wrap=True, highlight=False)
    console.print(body.layers(anatomy))
    console.print("\nwhat stays" if anatomy.barriers else "\nnothing stands in the way")
    for barrier in anatomy.barriers:
        console.print(f"{barrier.operation}: {barrier.reason}", markup=False)
    console.print("\nthe ancestor")
    console.print(body.costs(anatomy))
    console.print(f"\n{body.estimate(recipe, anatomy)}", markup=False)
