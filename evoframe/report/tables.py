"""Tables of a run for the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from rich.markup import escape
from rich.table import Table
from rich.text import Text

from evoframe.kernel.individual import Individual, Metric, Origin
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
from evoframe.report.sheet import Column, Sheet
from evoframe.run.described import in_words
from evoframe.run.disk.entry import Entry
from evoframe.run.run import Run

SIBLINGS = 5
"""Of a litter so many are told of at most."""


def generations(run: Run, width: int | None = None, latest: int | None = None) -> Sheet:
    """Return one row for each individual: sizes, and the primary metric with its sampling error.

    Sizes stand beside how many times less they are than the ancestor's, the smallest factor of the
    best first. FLOPs are those of a forward pass on the example inputs; a life is the wall-clock
    seconds from conception to the last measurement. What does not fit into a width is left out,
    whole columns of it, and no figure is cut.

    Args:
        run: whose individuals.
        width: how many characters there are; all columns if not given.
        latest: how many of them, the last on record; everybody if not given.
    """
    best, entries = run.best, run.entries[-latest:] if latest else run.entries
    everyone = [entry.individual for entry in entries]
    columns = [*_identity(everyone, best), *_sizes(everyone, run, best), *_worth(entries, run)]
    styles = [
        "dim" if one.fitness is None else "bold" if one.id == best.id else "" for one in everyone
    ]
    for name in ("", *LEFT_OUT):
        columns = [one for one in columns if one.header != name]
        if width is None or Sheet(columns, styles).width <= width:
            break
    return Sheet(columns, styles)


def besides(run: Run, identity: str) -> list[str]:
    """Return lines on what an individual lost in whole blocks, its litter, and its notes."""
    blocks, notes = run.account(identity).blocks, run[identity].notes
    left = [f"\nblocks that left as a whole: {', '.join(blocks)}"] if blocks else []
    told = [f"  {name}: {in_words(value)}" for name, value in sorted(notes.items())]
    litter = _litter(run, identity)
    return [
        *left,
        *_trained(run, identity),
        *litter,
        *([f"\nnotes of {identity}", *told] if told else []),
    ]


def _identity(everyone: Sequence[Individual], best: Individual) -> list[Column]:
    named = [one.id + ("*" if one.id == best.id else "") for one in everyone]
    parents = [" ".join(one.parents) or "-" for one in everyone]
    return [Column("id", named, "left"), Column("from", parents, "left")]


def _sizes(everyone: Sequence[Individual], run: Run, best: Individual) -> list[Column]:
    """Return a column for each size with its factors, the smallest factor of the best first."""
    costs = [one.fitness.costs if one.fitness else {} for one in everyone]
    whole = run.ancestor.fitness.costs if run.ancestor.fitness else {}
    found = []
    for name in factors(best.fitness.costs if best.fitness else {}, whole, TOLD):
        cells = [_sized(one, whole, name) for one in costs]
        found.append(Column(TOLD[name], cells))
    return found


def _sized(costs: Mapping[str, float], ancestor: Mapping[str, float], name: str) -> str:
    if name not in costs:
        return "-"
    return f"{amount(costs, name)} {times(factors(costs, ancestor, (name,))[name]):>5}"


def times(factor: float) -> str:
    """Return a factor in at most five characters: 1.0x, 46.5x, 258x."""
    return f"{factor:.1f}x" if factor < 99.95 else f"{short(round(factor))}x"


def _worth(entries: Sequence[Entry], run: Run) -> list[Column]:
    metric, everyone = run.metric, [entry.individual for entry in entries]
    lives = [f"{entry.seconds:.1f} s" if entry.individual.fitness else "-" for entry in entries]
    values = [
        measured(one, metric, "validation") if one.fitness else "stillborn" for one in everyone
    ]
    found = [Column("life", lives), *_epochs(run), Column(metric.name, values)]
    if any(one.fitness and one.fitness.test for one in everyone):
        found.append(Column("test", [measured(one, metric, "test") for one in everyone]))
    return found


def _epochs(run: Run) -> list[Column]:
    """Return a column of the epochs that everybody was trained for, if not all of them equally."""
    told = run.epochs()
    offspring = {told.get(one.id) for one in run.individuals if one.origin is Origin.OFFSPRING}
    if len(offspring - {None}) < 2:
        return []
    cells = [f"{told[one.id]:g}" if one.id in told else "-" for one in run.individuals]
    return [Column("epochs", cells)]


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


LEFT_OUT = ("life", "epochs", "from")
"""Columns to leave out, one after another, where a table is too wide."""


def stillborn(run: Run) -> list[str]:
    """Return a line for everybody who could not live, with the reason."""
    return [f"{one.id} was stillborn: {one.stillborn}" for one in run.individuals if one.stillborn]


def _trained(run: Run, identity: str) -> list[str]:
    """Return a line on the training of somebody, if it is known and was not that of all others."""
    epochs, one = run.account(identity).epochs, run[identity]
    if one.overtaken is None or epochs is None:
        return []
    return [f"\ntrained for {epochs:g} epochs; its generation went on without it"]


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


def lineage(run: Run, identity: str) -> Sheet:
    """Return one row for each forebear of an individual, youngest first."""
    metric, forebears = run.metric, run.lineage(identity)
    costs = [one.fitness.costs if one.fitness else {} for one in forebears]
    sizes = [name for name in HEADLINES if not costs[0] or name in costs[0]]
    columns = [
        Column("individual", [one.id for one in forebears], "left"),
        Column("from", [" ".join(one.parents) or "-" for one in forebears], "left"),
        Column("how", [str(one.origin) for one in forebears], "left"),
    ]
    for name in sizes:
        cells = [f"{had[name]:,.0f}" if name in had else "-" for had in costs]
        columns.append(Column(HEADLINES[name], cells))
    columns.append(Column(metric.name, [measured(one, metric, "validation") for one in forebears]))
    return Sheet(columns, [""] * len(forebears))


def layers(run: Run, identity: str) -> Table:
    """Return one row for each parameter that evolves: what is left of it."""
    table = plain_table(("parameter",))
    for name in ("synapses", "of", "left"):
        table.add_column(name, justify="right")
    for name, present, total in _left_of_layers(run, identity):
        table.add_row(name, f"{present:,}", f"{total:,}", f"{present / total:.1%}")
    return table


def _left_of_layers(run: Run, identity: str) -> list[tuple[str, int, int]]:
    """Return the synapses of each layer and how many it could have."""
    if run[identity].genotype_id in run.dropped:
        known, left = run.layers_on_record, run.account(identity).synapses
        if len(left) == len(known):  # the record knows as much, and nobody need be lived again
            return [(name, count, whole) for (name, whole), count in zip(known, left, strict=True)]
    masks = run.genotype(identity).masks
    return [(name, int(mask.sum()), mask.numel()) for name, mask in masks.items()]


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
