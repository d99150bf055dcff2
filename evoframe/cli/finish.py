"""What the commands that carry a run to its end print last."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console


def report(path: Path) -> None:
    """Print the table of a run, what it delivers, and where it is."""
    from evoframe.report import tables
    from evoframe.run.run import Run

    run, console = Run(path), Console(soft_wrap=True, highlight=False)
    console.print(tables.generations(run))
    for line in tables.stillborn(run):
        console.print(line, markup=False)
    best = run.best
    console.print(
        f"\nbest: {best.id}, {run.efficiency(best):.1f} times fewer synapses than the ancestor\n"
        f"run:  {path}"
    )
