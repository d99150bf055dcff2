"""``evoframe shrink``: one cut of a trained network, without a run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from evoframe.cli import shared

if TYPE_CHECKING:
    from evoframe.config.recipe import Recipe

UNTRAINED = (
    "task {task!r} does not say that its network comes trained (trait 'trained'): importances of "
    "first weights mean little."
)


@click.command(short_help="make a trained network smaller in one cut, without a run")
@shared.recipe
@shared.task
@click.option("--flops", metavar="FACTOR", help="what a forward pass may cost, as in 4x")
@click.option("--parameters", metavar="FACTOR", help="how many may be left, as in 4x")
@click.option("--bytes", "size", metavar="FACTOR", help="size on disk, as in 4x")
@click.option("--activations", metavar="FACTOR", help="peak bytes of a forward pass, as in 2x")
@click.option("--latency", metavar="FACTOR", help="of a forward pass, as in 2x or 10ms")
@click.option(
    "--latency-table",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="by which latency is told, see `evoframe latency`",
)
@click.option(
    "--importance",
    default="fisher",
    show_default=True,
    metavar="NAME",
    help="what ranks channels: fisher, taylor, magnitude, ...; see `evoframe strategies cluster`",
)
@click.option("--scope", default="network", show_default=True, help="network, alike or layer")
@click.option("--steps", default=1, show_default=True, help="in how many cuts")
@click.option(
    "--statistics",
    default=0,
    show_default=True,
    help="training batches to estimate statistics of batch norms on anew",
)
@click.option("--out", required=True, type=click.Path(path_type=Path), help="a new folder")
@click.option("--force", is_flag=True, help="replace the folder if it is there")
@click.option("--seed", default=0, show_default=True, help="of the order of batches")
@shared.assignments(
    "set an option, e.g. task.data=FOLDER, anatomy.multiple=8, anatomy.keep=['stem']"
)
@shared.plugins
def command(
    recipe: str | None,
    task: str | None,
    flops: str | None,
    parameters: str | None,
    size: str | None,
    activations: str | None,
    latency: str | None,
    latency_table: Path | None,
    importance: str,
    scope: str,
    steps: int,
    statistics: int,
    out: Path,
    seed: int,
    assignments: tuple[str, ...],
    plugins: tuple[str, ...],
    *,
    force: bool,
) -> None:
    """Cut the least important channels out of the network of a task, which comes trained.

    Nothing is trained. OUT is what `evoframe.load(OUT, factory)` reads.
    """
    from evoframe.cli.screen import screen
    from evoframe.config.request import Request
    from evoframe.export.writing import export, require_free
    from evoframe.once.of_recipe import of_recipe
    from evoframe.once.shrunk import Shrunk
    from evoframe.once.wish import Wish, ranking

    require_free(out, force=force)
    asked = {
        "flops": flops,
        "parameters": parameters,
        "bytes": size,
        "activations": activations,
        "latency": latency,
    }
    request = Request(recipe, choices={"task": task}, plugins=plugins, options=assignments)
    resolved = _with_options(request.resolve().recipe, seed, latency_table)
    wish = Wish(ranking(importance, scope=scope), asked, steps=steps, statistics=statistics)
    cut, delivered = of_recipe(resolved, wish)
    console = screen()
    console.print(str(Shrunk.of(cut)), markup=False)
    for line in export(delivered, "state", out, force=force):
        console.print(line, markup=False)
    if not resolved.task.is_trained:
        console.print(UNTRAINED.format(task=resolved.task.name), markup=False)


def _with_options(recipe: Recipe, seed: int, latency_table: Path | None) -> Recipe:
    """Return a recipe with what options of the command say of its run."""
    import attrs

    table = latency_table or recipe.run.latency_table
    return attrs.evolve(recipe, run=attrs.evolve(recipe.run, seed=seed, latency_table=table))
