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


@click.command(short_help="prune a trained network in one cut, without a run")
@shared.recipe
@shared.task
@click.option("--flops", metavar="FACTOR", help="reduction of the FLOPs of a forward pass, e.g. 4x")
@click.option("--parameters", metavar="FACTOR", help="reduction of parameters, e.g. 4x")
@click.option("--bytes", metavar="FACTOR", help="reduction of the bytes of weights, e.g. 4x")
@click.option(
    "--activations", metavar="FACTOR", help="reduction of the peak activation memory, e.g. 2x"
)
@click.option(
    "--latency", metavar="FACTOR", help="reduction or limit of the latency, e.g. 2x or 10ms"
)
@click.option(
    "--latency-table",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="latency table to use, see `evoframe latency`",
)
@click.option(
    "--importance",
    default="fisher",
    show_default=True,
    metavar="NAME",
    help="importance criterion: fisher, taylor, magnitude, ...; see `evoframe strategies "
    "encoding cluster`",
)
@click.option(
    "--scope",
    default="network",
    show_default=True,
    help="scope of the ranking: network, alike or layer",
)
@click.option(
    "--normalise",
    default="mean",
    show_default=True,
    help="statistic of each layer by which importances are divided: mean, max, sum or none",
)
@click.option(
    "--batches", default=20, show_default=True, help="training batches for measuring importances"
)
@click.option(
    "--examples", default=200, show_default=True, help="training examples for fisher, one by one"
)
@click.option("--steps", default=1, show_default=True, help="number of pruning steps")
@click.option(
    "--repair",
    default=0,
    show_default=True,
    help="training batches for refitting layers whose inputs were removed, without training",
)
@click.option(
    "--statistics",
    default=0,
    show_default=True,
    help="training batches for re-estimating batch-norm statistics",
)
@click.option("--depth", is_flag=True, help="allow removal of whole residual blocks")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="new folder")
@click.option("--force", is_flag=True, help="replace an existing folder")
@click.option("--seed", default=0, show_default=True, help="random seed")
@shared.assignments(
    "set an option, e.g. task.data=FOLDER, anatomy.multiple=8, anatomy.keep=['stem']"
)
@shared.plugins
def command(**given: Any) -> None:
    """Remove the least important channels from the trained network of a task.

    Nothing is trained. `evoframe.load(OUT, factory)` reads the folder OUT.
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
