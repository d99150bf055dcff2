"""``evoframe shrink``: one cut of a trained network, without a run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from evoframe.cli import shared

if TYPE_CHECKING:
    from evoframe.config.recipe import Recipe

UNTRAINED = (
    "Note: task {task!r} does not say that its network comes trained (trait 'trained'). "
    "Importances of first weights mean little: what is cut is as good as drawn by lot."
)

LIMITS = ("flops", "parameters", "bytes", "activations", "latency")
"""Options that say how small the network is to become."""

RANKING = ("importance", "scope", "normalise", "batches", "examples")
"""Options that say what ranks its channels."""

HOW = ("steps", "repair", "statistics")
"""Options that say how it is cut, and what is done with what reads channels that left."""


@click.command(short_help="make a trained network smaller in one cut, without a run")
@shared.recipe
@shared.task
@click.option("--flops", metavar="FACTOR", help="what a forward pass may cost, as in 4x")
@click.option("--parameters", metavar="FACTOR", help="how many may be left, as in 4x")
@click.option("--bytes", metavar="FACTOR", help="bytes of weights, as in 4x")
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
@click.option(
    "--normalise",
    default="mean",
    show_default=True,
    help="what importances are divided by, of each layer: mean, max, sum or none",
)
@click.option(
    "--batches", default=20, show_default=True, help="training batches to measure importances on"
)
@click.option(
    "--examples", default=200, show_default=True, help="training examples for fisher, one by one"
)
@click.option("--steps", default=1, show_default=True, help="in how many cuts")
@click.option(
    "--repair",
    default=0,
    show_default=True,
    help="training batches to fit layers on whose inputs became fewer, without training",
)
@click.option(
    "--statistics",
    default=0,
    show_default=True,
    help="training batches to estimate statistics of batch norms on anew",
)
@click.option("--depth", is_flag=True, help="let whole residual blocks leave too")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="a new folder")
@click.option("--force", is_flag=True, help="replace the folder if it is there")
@click.option("--seed", default=0, show_default=True, help="of the order of batches")
@shared.assignments(
    "set an option, e.g. task.data=FOLDER, anatomy.multiple=8, anatomy.keep=['stem']"
)
@shared.plugins
def command(**given: Any) -> None:
    """Cut the least important channels out of the network of a task, which comes trained.

    Nothing is trained. OUT is what `evoframe.load(OUT, factory)` reads.
    """
    from evoframe.cli.screen import screen
    from evoframe.config.request import Request
    from evoframe.export.writing import export, require_free
    from evoframe.once.of_recipe import of_recipe
    from evoframe.once.shrunk import Shrunk
    from evoframe.once.wish import Wish, ranking

    out, force = given["out"], given["force"]
    require_free(out, force=force)
    request = Request(
        given["recipe"],
        choices={"task": given["task"]},
        plugins=given["plugins"],
        options=given["assignments"],
    )
    recipe = _with_options(request.resolve().recipe, given)
    if not recipe.task.is_trained:
        click.echo(UNTRAINED.format(task=recipe.task.name), err=True)
    encoding = ranking(**{name: given[name] for name in RANKING})
    asked = {name: given[name] for name in LIMITS}
    cut, delivered = of_recipe(recipe, Wish(encoding, asked, **{name: given[name] for name in HOW}))
    console = screen()
    console.print(str(Shrunk.of(cut)), markup=False)
    for line in export(delivered, "state", out, force=force):
        console.print(line, markup=False)


def _with_options(recipe: Recipe, given: Mapping[str, Any]) -> Recipe:
    """Return a recipe with what options of the command say of its run and its anatomy."""
    import attrs

    table = given["latency_table"] or recipe.run.latency_table
    run = attrs.evolve(recipe.run, seed=given["seed"], latency_table=table)
    anatomy = attrs.evolve(recipe.anatomy, depth=given["depth"] or recipe.anatomy.depth)
    return attrs.evolve(recipe, run=run, anatomy=anatomy)
