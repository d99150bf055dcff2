"""``evoframe compare``: recipes against each other and against the baselines."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from evoframe.cli import shared
from evoframe.cli.finish import resumable


@click.command(short_help="compare recipes at equal training budget")
@click.argument("recipes", nargs=-1, required=True, metavar="RECIPE...")
@click.option(
    "--seeds",
    type=click.IntRange(min=1),
    default=3,
    show_default=True,
    help="number of runs per arm",
)
@click.option(
    "--at",
    "targets",
    default="10,48,125",
    show_default=True,
    metavar="FACTORS",
    help="reduction factors of synapses at which to compare",
)
@click.option(
    "--epochs",
    type=click.IntRange(min=1),
    help="total epochs for all descendants of an arm; default: the largest number among "
    "the recipes",
)
@shared.assignments("set an option of task, ancestor, training or run in every arm")
@shared.plugins
@click.option(
    "--jobs",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="number of parallel runs, each in its own process",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="folder of the comparison, also for resuming it; default: a new one under runs/",
)
@click.option(
    "--html",
    "page",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="file for the comparison page; default: compare.html in FOLDER",
)
def command(
    recipes: tuple[str, ...],
    seeds: int,
    targets: str,
    epochs: int | None,
    assignments: tuple[str, ...],
    plugins: tuple[str, ...],
    jobs: int,
    out: Path | None,
    page: Path | None,
) -> None:
    """Run every RECIPE and the arms uniform, magnitude and dense with several seeds.

    All arms except dense start from the same ancestors, and all arms train for the same total
    number of epochs. The table gives accuracy at equal numbers of synapses, as mean and standard
    deviation over the seeds. Repeat the command with the same --out to resume a comparison.
    """
    from evoframe.api import new_folder
    from evoframe.config.request import Request, registry_of
    from evoframe.report.arms import arms_of
    from evoframe.report.comparison import compare, write_points
    from evoframe.report.curves import markdown, plot
    from evoframe.report.page import render

    factors = _factors(targets)
    requests = [Request(name, plugins=plugins) for name in recipes]
    registry = registry_of(requests)
    arms = arms_of(requests, factors, registry, options=assignments, epochs=epochs)
    folder = out or new_folder("compare")
    with resumable(folder, f"the same command with --out {folder}"):
        curves = compare(arms, seeds, folder, registry, _say, jobs=jobs)
    table = markdown(curves, factors)
    (folder / "compare.md").write_text(table)
    write_points(curves, folder / "points.csv")
    drawn = plot(curves, folder / "compare.png")
    html = page or folder / "compare.html"
    render.write(render.of_comparison(curves, factors, folder, _command(folder)), html)
    click.echo(f"\n{table}")
    click.echo(f"table, points and runs: {folder}\npage: {html}")
    if not drawn:
        click.echo("no plot: matplotlib is not installed. Try `pip install evoframe[plot]`.")


def _command(folder: Path) -> str:
    """Return the command that was typed, with the folder that it may have left to chance."""
    context = click.get_current_context()
    words = ["evoframe", "compare"]
    for parameter in context.command.params:
        value = context.params.get(parameter.name or "")
        if isinstance(parameter, click.Argument):
            words += [str(one) for one in value or ()]
        elif parameter.name not in ("out", "page", "jobs") and value not in (None, ()):
            several = value if isinstance(value, tuple) else (value,)
            words += [word for one in several for word in (parameter.opts[-1], str(one))]
    return shlex.join([*words, "--out", str(folder)])


def _say(line: str) -> None:
    click.echo(line, err=True)


def _factors(text: str) -> list[float]:
    try:
        factors = [float(part.strip().removesuffix("x")) for part in text.split(",")]
    except ValueError:
        factors = []
    if not factors or not all(1 < factor <= 1e6 for factor in factors):
        raise click.BadParameter(
            f"{text!r}; wanted factors above 1 with commas between, as in 10,48,125.",
            param_hint="--at",
        )
    return sorted(set(factors))
