"""Tables of a run for the terminal."""

from __future__ import annotations

from collections.abc import Iterable

from rich.markup import escape
from rich.table import Table
from rich.text import Text

from evoframe.kernel.individual import Individual, Metric
from evoframe.run.run import Run


def generations(run: Run) -> Table:
    """Return one row for each individual: sizes, and the primary metric with its sampling error.

    MFLOPs are those of a forward pass on the example inputs; a life is the wall-clock seconds from
    conception to the last measurement.
    """
    metric = run.metric
    tested = any(one.fitness and one.fitness.test for one in run.individuals)
    table = plain_table(("gen", "id", "from"), no_wrap=True)
    for name in ("synapses", "fewer", "params", "MFLOPs", "life", escape(metric.name)):
        table.add_column(name, justify="right", no_wrap=True)
    if tested:
        table.add_column("test", justify="right", no_wrap=True)
    chosen = run.best.id
    for entry in run.entries:
        one = entry.individual
        mark = "*" if one.id == chosen else ""
        row = [str(one.generation), one.id + mark, " ".join(one.parents) or "-"]
        if one.fitness is None:
            table.add_row(*row, "stillborn", style="dim")
            continue
        row += [*_sizes(run, one), f"{entry.seconds:.1f} s"]
        row.append(measured(one, metric, "validation"))
        row += [measured(one, metric, "test")] if tested else []
        table.add_row(*row, style="bold" if mark else "")
    return table


def stillborn(run: Run) -> list[str]:
    """Return a line for everybody who could not live, with the reason."""
    return [f"{one.id} was stillborn: {one.stillborn}" for one in run.individuals if one.stillborn]


def lineage(run: Run, identity: str) -> Table:
    """Return one row for each forebear of an individual, youngest first."""
    metric = run.metric
    table = plain_table(("individual", "from", "how"))
    for name in ("synapses", escape(metric.name)):
        table.add_column(name, justify="right", no_wrap=True)
    for one in run.lineage(identity):
        parents, size = " ".join(one.parents) or "-", f"{one.synapses:,}"
        table.add_row(one.id, parents, str(one.origin), size, measured(one, metric, "validation"))
    return table


def layers(run: Run, identity: str) -> Table:
    """Return one row for each parameter that evolves: what is left of it."""
    genotype = run.genotype(identity)
    table = plain_table(("parameter",))
    for name in ("synapses", "of", "left"):
        table.add_column(name, justify="right")
    for name, mask in genotype.masks.items():
        present, total = int(mask.sum()), mask.numel()
        table.add_row(name, f"{present:,}", f"{total:,}", f"{present / total:.1%}")
    return table


def listing(rows: Iterable[tuple[str, ...]], header: tuple[str, ...]) -> Table:
    """Return a plain table of texts."""
    table = plain_table(header)
    for row in rows:
        table.add_row(*map(Text, row))
    return table


def measured(one: Individual, metric: Metric, split: str) -> str:
    """Return a metric of a split in words, or a dash."""
    values = {} if one.fitness is None else getattr(one.fitness, split)
    if metric.name not in values:
        return "-"
    return metric.in_words(values[metric.name])


def plain_table(header: tuple[str, ...], *, no_wrap: bool = False) -> Table:
    """Return an empty table with columns of text."""
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
    for name in header:
        table.add_column(escape(name), no_wrap=no_wrap, overflow="fold")
    return table


def _sizes(run: Run, one: Individual) -> list[str]:
    assert one.fitness is not None
    parameters, flops = int(one.fitness.costs["parameters"]), one.fitness.costs.get("flops")
    work = "-" if flops is None else f"{flops / 1e6:.3g}"
    return [f"{one.synapses:,}", f"{run.efficiency(one):.1f}x", f"{parameters:,}", work]
