"""Tables of a run for the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

import attrs
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from evoframe.kernel.individual import Individual, Metric
from evoframe.kernel.judged import Judged, passes
from evoframe.kernel.sizes import (
    HEADLINES,
    TOLD,
    amount,
    did_shrink,
    factors,
    fewer_in_words,
    short,
)
from evoframe.run.described import in_words
from evoframe.run.run import Run

SIBLINGS = 5
"""Of a litter so many are told of at most."""


def generations(run: Run, width: int | None = None) -> Table:
    """Return one row for each individual: sizes, and the primary metric with its sampling error.

    Sizes stand beside how many times less they are than the ancestor's, the smallest factor of the
    best first. FLOPs are those of a forward pass on the example inputs; a life is the wall-clock
    seconds from conception to the last measurement. What does not fit into a width is left out,
    whole columns of it, and no figure is cut.

    Args:
        run: whose individuals.
        width: how many characters there are; all columns if not given.
    """
    columns = [*_identity(run), *_sizes(run), *_worth(run)]
    for name in ("", *LEFT_OUT):
        columns = [one for one in columns if one.name != name]
        if width is None or _width(columns) <= width:
            break
    table = plain_table((), no_wrap=True)
    for column in columns:
        table.add_column(escape(column.name), justify=column.justify, no_wrap=True)
    chosen = run.best.id
    for row, one in enumerate(run.individuals):
        style = "dim" if one.fitness is None else "bold" if one.id == chosen else ""
        table.add_row(*(Text(column.cells[row]) for column in columns), style=style)
    return table


def besides(run: Run, identity: str) -> list[str]:
    """Return lines on what an individual lost in whole blocks, its litter, and its notes."""
    blocks, notes = run.account(identity).blocks, run[identity].notes
    left = [f"\nblocks that left as a whole: {', '.join(blocks)}"] if blocks else []
    told = [f"  {name}: {in_words(value)}" for name, value in sorted(notes.items())]
    litter = _litter(run, identity)
    return [*left, *litter, *([f"\nnotes of {identity}", *told] if told else [])]


@attrs.frozen
class _Column:
    """A column of a table, one cell for each individual."""

    name: str
    cells: list[str]
    justify: Literal["left", "right"] = "right"


def _identity(run: Run) -> list[_Column]:
    best = run.best.id
    named = [one.id + ("*" if one.id == best else "") for one in run.individuals]
    parents = [" ".join(one.parents) or "-" for one in run.individuals]
    return [_Column("id", named, "left"), _Column("from", parents, "left")]


def _sizes(run: Run) -> list[_Column]:
    """Return a column for each size with its factors, the smallest factor of the best first."""
    costs = [one.fitness.costs if one.fitness else {} for one in run.individuals]
    best = run.best.fitness.costs if run.best.fitness else {}
    found = []
    for name in factors(best, costs[0], TOLD):
        cells = [_sized(one, costs[0], name) for one in costs]
        found.append(_Column(TOLD[name], cells))
    return found


def _sized(costs: Mapping[str, float], ancestor: Mapping[str, float], name: str) -> str:
    if name not in costs:
        return "-"
    return f"{amount(costs, name)} {times(factors(costs, ancestor, TOLD)[name]):>5}"


def times(factor: float) -> str:
    """Return a factor in at most five characters: 1.0x, 46.5x, 258x."""
    return f"{factor:.1f}x" if factor < 99.95 else f"{short(round(factor))}x"


def _worth(run: Run) -> list[_Column]:
    metric, everyone = run.metric, run.individuals
    lives = [f"{entry.seconds:.1f} s" if entry.individual.fitness else "-" for entry in run.entries]
    values = [
        measured(one, metric, "validation") if one.fitness else "stillborn" for one in everyone
    ]
    found = [_Column("life", lives), _Column(metric.name, values)]
    if any(one.fitness and one.fitness.test for one in everyone):
        found.append(_Column("test", [measured(one, metric, "test") for one in everyone]))
    return found


def _width(columns: list[_Column]) -> int:
    widths = [max(map(len, (column.name, *column.cells))) for column in columns]
    return sum(widths) + len(widths) - 1


def headline(run: Run) -> str:
    """Return a line on the best individual of a run: how many times less it is, and of what."""
    best, ancestor = run.best, run.ancestor
    if best.fitness is None or ancestor.fitness is None or best.id == ancestor.id:
        return f"best: {best.id}, the ancestor itself: nothing smaller is delivered"
    words = f"best: {best.id}, {fewer_in_words(best.fitness.costs, ancestor.fitness.costs)}"
    if did_shrink(best.fitness.costs, ancestor.fitness.costs):
        return words
    return (
        f"{words}\nits tensors are as large as the ancestor's, and what is absent in them saves "
        "neither memory nor time: `evoframe inspect` tells why"
    )


LEFT_OUT = ("life", "from")
"""Columns to leave out, one after another, where a table is too wide."""


def stillborn(run: Run) -> list[str]:
    """Return a line for everybody who could not live, with the reason."""
    return [f"{one.id} was stillborn: {one.stillborn}" for one in run.individuals if one.stillborn]


def _litter(run: Run, identity: str) -> list[str]:
    """Return lines on the siblings of an individual, the best first; empty without any."""
    account = run.account(identity)
    last = {one.sibling: one for one in account.looks}.values()  # the last look at each
    if not last:
        return []
    seconds = sum(account.phases.get(name, 0.0) for name in ("synthesis", "judging"))
    took = f"{short(passes(account.looks))} forward passes of the ancestor, {seconds:.1f} s"
    return [
        f"\nlitter of {identity}",
        f"  {len(last)} siblings, {len(account.looks)} looks: {took}",
        *map(_look, sorted(last, key=lambda one: (not one.born, one.score))[:SIBLINGS]),
    ]


def _look(one: Judged) -> str:
    born = " (born)" if one.born else ""
    whence = "" if one.came_of is None else f", made of {one.came_of}"
    trained = f", {one.epochs:g} epochs" if one.epochs else ""
    seen = f"{one.judge} {one.score:.4g} on {one.examples} examples"
    return f"  {one.sibling}{born}: {seen}{trained}{whence}"


def lineage(run: Run, identity: str) -> Table:
    """Return one row for each forebear of an individual, youngest first."""
    metric = run.metric
    table = plain_table(("individual", "from", "how"))
    costs = run[identity].fitness
    sizes = [name for name in HEADLINES if costs is None or name in costs.costs]
    for name in (*(HEADLINES[one] for one in sizes), escape(metric.name)):
        table.add_column(name, justify="right", no_wrap=True)
    for one in run.lineage(identity):
        had = one.fitness.costs if one.fitness else {}
        counts = [f"{had[name]:,.0f}" if name in had else "-" for name in sizes]
        row = [one.id, " ".join(one.parents) or "-", str(one.origin), *counts]
        table.add_row(*row, measured(one, metric, "validation"))
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
