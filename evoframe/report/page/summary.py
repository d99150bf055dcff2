"""The first lines of a page: what came out, in words, and what did not shrink and why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from evoframe.kernel.individual import Individual
from evoframe.kernel.sizes import HEADLINES, factors
from evoframe.report.page.facts import Facts
from evoframe.report.page.words import count, duration, factor, listed, measured

UNCHANGED = 1.05
"""Below this factor a size is said not to have shrunk."""


@attrs.frozen
class Figure:
    """One figure that is shown large.

    Attributes:
        value: the figure.
        label: of what.
        note: where it comes from.
    """

    value: str
    label: str
    note: str = ""


@attrs.frozen
class Summary:
    """What came out.

    Attributes:
        lead: the first sentence.
        rest: what did not shrink, and why.
        figures: the most important ones.
        remarks: what people should know of the run.
    """

    lead: str
    rest: tuple[str, ...]
    figures: tuple[Figure, ...]
    remarks: tuple[str, ...]


def summary(facts: Facts) -> Summary:
    """Return the outcome of a run, in words."""
    rest = [*_unfinished(facts), *_what_did_not_shrink(facts), *_unread(facts)]
    remarks = tuple(dict.fromkeys(facts.remarks()))
    return Summary(_lead(facts), tuple(rest), tuple(_figures(facts)), remarks)


def _lead(facts: Facts) -> str:
    best, ancestor, metric = facts.best, facts.ancestor, facts.metric
    split = _split(facts)
    reached = f"{metric.name} {measured(best, metric, split)} on {split}"
    if best.id == ancestor.id:
        return f"Nothing smaller is delivered: it is the ancestor itself, {reached}."
    assert best.fitness is not None
    assert ancestor.fitness is not None
    fewer = _fewer(facts)
    quicker = _quicker(facts)
    before = measured(ancestor, metric, split)
    return (
        f"{best.id} has {fewer} than the ancestor{quicker}, and reaches {reached}, where the "
        f"ancestor reaches {before}."
    )


def _fewer(facts: Facts) -> str:
    """Return the factors of the delivered network in words, the smallest first."""
    ratios = factors(facts.costs(facts.best), facts.costs(facts.ancestor))
    words = [f"{factor(value)} fewer {HEADLINES[name]}" for name, value in ratios.items()]
    return listed(words)


def _split(facts: Facts) -> str:
    """Return the split that nobody was selected by, where there is one."""
    ancestor = facts.ancestor.fitness
    return "test" if ancestor and facts.metric.name in ancestor.test else "validation"


def _quicker(facts: Facts) -> str:
    found = speedup(facts)
    if found is None:
        return ""
    if not found.is_told_apart:
        return f", is no faster at batch {found.batch} as far as can be measured"
    return f", is {found.factor:.2f}x faster at batch {found.batch}"


@attrs.frozen
class Speedup:
    """How much faster the delivered network is at one size of batch.

    Attributes:
        batch: how many examples.
        factor: by their medians.
        is_told_apart: whether it is faster, and the spreads of the two do not meet.
    """

    batch: int
    factor: float
    is_told_apart: bool


def speedup(facts: Facts) -> Speedup | None:
    """Return the speedup at the batch at which it is least; None if it is not on record."""
    taken: Mapping[str, Any] = facts.latency.get("seconds", {})
    before, after = taken.get(facts.ancestor.id, {}), taken.get(facts.best.id, {})
    found = []
    for size in (one for one in before if one in after):
        (slow, wide), (fast, narrow) = before[size], after[size]
        apart = slow - wide > fast + narrow and slow > UNCHANGED * fast
        found.append(Speedup(int(size), slow / fast, apart))
    return min(found, key=lambda one: one.factor, default=None)


def _unfinished(facts: Facts) -> list[str]:
    if facts.ending is not None:
        return []
    lives = len(facts.everyone)
    return [f"The run is not finished: {lives} lives are on record, and all of this may change."]


def _unread(facts: Facts) -> list[str]:
    if facts.knows_better:
        return []
    return [
        (
            f"An earlier version of evoframe made this run. Its record does not say which metric "
            f"decides and which way is better: {facts.metric.name} is shown, and no Pareto front."
        )
    ]


# --- what did not shrink ----------------------------------------------------------------------


def _what_did_not_shrink(facts: Facts) -> list[str]:
    best, whole = facts.best.fitness, facts.ancestor.fitness
    if facts.best.id == facts.ancestor.id or best is None or whole is None:
        return []
    same = [
        HEADLINES[name]
        for name, value in factors(best.costs, whole.costs).items()
        if value < UNCHANGED
    ]
    found = [f"What did not shrink: {listed(same)}."] if same else []
    return [*found, *_wide_layers(facts, facts.best)]


def _wide_layers(facts: Facts, one: Individual) -> list[str]:
    """Return sentences on layers that have all their channels, with the reason."""
    left = facts.account(one).channels
    if not facts.layers or not left:
        return ["Which layers are as wide as ever is not on record."]
    wide = [
        layer
        for layer, channels in zip(facts.layers, left, strict=True)
        if channels >= layer["channels"]
    ]
    if not wide:
        return ["Every layer that evolves is narrower."]
    held = [layer for layer in wide if not layer["free"]]
    outputs = [str(layer["name"]) for layer in held if layer["given_out"]]
    others = [str(layer["name"]) for layer in held if not layer["given_out"]]
    kept = [str(layer["name"]) for layer in wide if layer["free"]]
    reasons = [
        (outputs, "the network gives their channels out"),
        (others, _held_by(facts)),
        (kept, "channels could be removed, and evolution kept them"),
    ]
    words = "; ".join(f"{listed(names)} ({reason})" for names, reason in reasons if names)
    all_of = f"{len(wide)} of {count(len(facts.layers))} layers"
    return [f"As wide as ever: {all_of}: {words}."]


def _held_by(facts: Facts) -> str:
    if not facts.barriers:
        return "what writes or reads their channels does not evolve"
    return f"held by {facts.barriers[0]['what']}, see below"


# --- figures ----------------------------------------------------------------------------------


def _figures(facts: Facts) -> list[Figure]:
    best, whole = facts.best, facts.ancestor
    assert best.fitness is not None
    assert whole.fitness is not None
    fewer = factors(best.fitness.costs, whole.fitness.costs)
    found = [
        Figure(factor(value), f"fewer {HEADLINES[name]}", count(best.fitness.costs[name]) + " left")
        for name, value in fewer.items()
    ]
    if (quick := speedup(facts)) is not None:
        note = "measured by the run" if quick.is_told_apart else "within the spread"
        found.append(Figure(f"{quick.factor:.2f}x", f"faster, batch {quick.batch}", note))
    split = _split(facts)
    reached = measured(best, facts.metric, split)
    was = measured(whole, facts.metric, split)
    found.append(Figure(reached, f"{facts.metric.name}, {split}", f"was {was}"))
    lives = f"{len(facts.everyone)} lives"
    found.append(Figure(duration(facts.seconds), "wall clock", lives))
    return found
