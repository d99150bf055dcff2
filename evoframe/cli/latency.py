"""``evoframe latency``: the layers of a network measured at many widths, as a table."""

from __future__ import annotations

from pathlib import Path

import click

from evoframe.cli import shared


@click.command(short_help="measure a network's layers, for latency budgets")
@shared.recipe
@shared.task
@click.option(
    "--out", required=True, type=click.Path(path_type=Path), help="new file for the table"
)
@click.option(
    "--plan",
    "elsewhere",
    is_flag=True,
    help="write a measurement plan, and a script that measures it on another machine",
)
@click.option("--batch", type=int, help="batch size; default: that of the example inputs")
@click.option(
    "--points", default=5, show_default=True, help="widths to measure per layer, from 1 to all"
)
@click.option("--threads", default=1, show_default=True, help="number of CPU threads")
@click.option("--device", default="cpu", show_default=True, help="cpu, cuda or cuda:n")
@click.option("--rounds", default=3, show_default=True, help="number of measurements of each call")
@click.option(
    "--seconds", default=0.01, show_default=True, help="minimum duration of a measurement"
)
@click.option("--processor", is_flag=True, help="measure CPU time instead of wall-clock time")
@click.option("--force", is_flag=True, help="replace an existing file")
@shared.assignments("set an option, e.g. task.data=FOLDER")
@shared.plugins
def command(
    recipe: str | None,
    task: str | None,
    out: Path,
    batch: int | None,
    points: int,
    threads: int,
    device: str,
    rounds: int,
    seconds: float,
    assignments: tuple[str, ...],
    plugins: tuple[str, ...],
    *,
    elsewhere: bool,
    processor: bool,
    force: bool,
) -> None:
    """Measure each layer of a task's network at several widths, and write a table.

    The table is required by `run.latency_table`, `--until latency=2x` and `evoframe shrink
    --latency`.
    """
    import attrs

    from evoframe.cli.screen import screen
    from evoframe.config.request import Request
    from evoframe.errors import ConfigError
    from evoframe.once import timing
    from evoframe.run.world import ancestor_of, survey_ancestor

    if out.exists() and not force:
        raise ConfigError(f"{str(out)!r} is there already; name another file, or use --force.")
    how = timing.Timing(batch, points, threads, device, rounds, seconds, processor)
    request = Request(recipe, choices={"task": task}, plugins=plugins, options=assignments)
    resolved = request.resolve().recipe
    # Runs and cuts with and without depth are told by one table.
    deep = attrs.evolve(resolved, anatomy=attrs.evolve(resolved.anatomy, depth=True))
    anatomy = survey_ancestor(deep, ancestor_of(deep))
    name, console = resolved.task.name, screen()
    if elsewhere:
        timing.write(how.plan(anatomy, name), out)
        script = timing.write_script(out.parent)
        console.print(f"{out}: what is to be measured. Where torch is:", markup=False)
        console.print(f"    python {script.name} {out.name} table.json", markup=False)
        return
    said = how.table(anatomy, resolved.task.example_inputs(), name)
    timing.write(said, out)
    console.print(timing.in_words(said, str(out)), markup=False)
