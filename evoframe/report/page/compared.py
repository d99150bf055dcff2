"""A comparison as values: arms at equal sizes, their spread over seeds, cost, and chance."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any

import attrs

from evoframe.kernel.sizes import HEADLINES
from evoframe.report.comparison import SIZES, Curves
from evoframe.report.curves import cell
from evoframe.report.page.arm_charts import chart_of, tone_of
from evoframe.report.page.chance import corrected, fewest, p_value, verdict
from evoframe.report.page.drawing import Chart
from evoframe.report.page.words import (
    NONE,
    duration,
    listed,
)


@attrs.frozen
class Table:
    """A table with a caption.

    Attributes:
        caption: what it shows.
        head: names of columns.
        rows: cells.
    """

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@attrs.frozen
class Compared:
    """What a comparison has shown.

    Attributes:
        lead: the first sentence.
        rest: what else is to be said at once.
        arms: names with the classes of their colours.
        charts: the metric against each size.
        tables: the metric at equal sizes.
        cost: what arms cost.
        chance: differences, and whether they are beyond chance.
        digests: of all runs.
    """

    lead: str
    rest: tuple[str, ...]
    arms: tuple[tuple[str, str], ...]
    charts: tuple[Chart, ...]
    tables: tuple[Table, ...]
    cost: Table
    chance: Table
    digests: Table


@attrs.frozen
class Difference:
    """The first arm against another at one size.

    Attributes:
        size: of which size.
        target: how many times fewer.
        other: the other arm.
        each: the difference of each seed; positive where the first is better.
    """

    size: str
    target: float
    other: str
    each: tuple[float, ...]


def compared(curves: Curves, targets: Sequence[float]) -> Compared:
    """Return a comparison as a page tells it."""
    sizes = [size for size in SIZES if _is_known(curves, size)]
    differences = [
        found
        for size in sizes
        for target in targets
        for other in curves.arms()[1:]
        if (found := _difference(curves, size, target, other)) is not None
    ]
    return Compared(
        lead=_lead(curves, targets),
        rest=tuple(_rest(curves, differences)),
        arms=tuple((arm, tone_of(index)) for index, arm in enumerate(curves.arms())),
        charts=tuple(chart_of(curves, targets, size) for size in sizes),
        tables=tuple(_at_equal(curves, targets, size) for size in sizes),
        cost=_cost(curves),
        chance=_chances(curves, differences),
        digests=Table("Digests of runs", ("arm", "seed", "digest"), tuple(_digests(curves))),
    )


def of_curves(curves: Curves) -> dict[str, Any]:
    """Return all that a page tells of a comparison, for other programs."""
    names = [field.name for field in attrs.fields(type(curves.points[0]))]
    return {
        "kind": "comparison",
        "metric": attrs.asdict(curves.metric),
        "split": curves.split,
        "ancestors": list(curves.ancestors),
        "epochs": dict(curves.epochs),
        "seconds": dict(curves.seconds),
        "points": {name: [getattr(one, name) for one in curves.points] for name in names},
    }


def _is_known(curves: Curves, size: str) -> bool:
    return any(getattr(point, SIZES[size]) is not None for point in curves.points)


# --- in words -----------------------------------------------------------------------------------


def _lead(curves: Curves, targets: Sequence[float]) -> str:
    metric, seeds = curves.metric, len(curves.ancestors)
    first = curves.arms()[0]
    known = [target for target in targets if curves.at(first, target)]
    if not known:
        return (
            f"{first} does not come to {targets[0]:g}x fewer synapses: there is nothing to compare "
            "at the sizes that were asked for."
        )
    target = known[-1]
    means = {arm: curves.at(arm, target) for arm in curves.arms()}
    ordered = sorted(
        (arm for arm, values in means.items() if values),
        key=lambda arm: -metric.sort_value(statistics.fmean(means[arm])),
    )
    words = [f"{arm} {cell(means[arm], seeds, metric)}" for arm in ordered]
    return (
        f"At {target:g}x fewer synapses, {metric.name} on {curves.split} is {listed(words, 9)}; "
        f"the ancestor has {cell(curves.ancestors, seeds, metric)}."
    )


def _rest(curves: Curves, differences: Sequence[Difference]) -> list[str]:
    seeds = len(curves.ancestors)
    found = [
        (
            f"{seeds} seed{'s' if seeds > 1 else ''}; mean ± standard deviation over them. Every "
            "arm but dense begins with the same ancestors, and all train for as many epochs in all."
        )
    ]
    if seeds < fewest():
        found.append(
            f"With {seeds} seeds no difference is significant, however large it is; "
            f"{fewest()} are needed for one comparison, {fewest(max(len(differences), 1))} for all "
            f"{len(differences)} made here."
        )
    behind = [
        HEADLINES[size]
        for size in SIZES
        if _is_known(curves, size) and not any(one.size == size for one in differences)
    ]
    if behind:
        found.append(
            f"Of {listed(behind)} no two arms come to the same size that was asked for: a dash "
            "stands where an arm does not reach it."
        )
    return found


# --- tables -------------------------------------------------------------------------------------


def _at_equal(curves: Curves, targets: Sequence[float], size: str) -> Table:
    seeds, metric, what = len(curves.ancestors), curves.metric, HEADLINES[size]
    rows = [
        (arm, *(cell(curves.at(arm, target, size), seeds, metric) for target in targets))
        for arm in curves.arms()
    ]
    return Table(
        f"{metric.name} on {curves.split} at equal {what}",
        ("arm", *(f"{target:g}x fewer {what}" for target in targets)),
        tuple(rows),
    )


def _cost(curves: Curves) -> Table:
    rows = []
    for arm in curves.arms():
        mine = [point for point in curves.points if point.arm == arm]
        seconds = curves.seconds.get(arm)
        rows.append(
            (
                arm,
                f"{curves.epochs[arm]:.0f}",
                NONE if seconds is None else duration(seconds),
                f"{max(point.efficiency for point in mine):.1f}x",
                f"{max(point.fewer_parameters for point in mine):.1f}x",
                _most_flops([point.fewer_flops for point in mine]),
            )
        )
    return Table(
        "What arms cost, and how small they come: means over seeds, and the smallest of any",
        ("arm", "epochs", "time of lives", "synapses", "parameters", "FLOPs"),
        tuple(rows),
    )


def _most_flops(fewer: Sequence[float | None]) -> str:
    known = [one for one in fewer if one is not None]
    return f"{max(known):.1f}x" if known else NONE


def _difference(curves: Curves, size: str, target: float, other: str) -> Difference | None:
    first = curves.by_seed(curves.arms()[0], target, size)
    second = curves.by_seed(other, target, size)
    both = [seed for seed in first if seed in second]
    if not both:
        return None
    each = tuple(curves.metric.drop(second[seed], first[seed]) for seed in both)
    return Difference(size, target, other, each)


def _chances(curves: Curves, differences: Sequence[Difference]) -> Table:
    alone = [p_value(one.each) for one in differences]
    rows = []
    for one, p, among_all in zip(differences, alone, corrected(alone), strict=True):
        better = sum(value > 0 for value in one.each)
        rows.append(
            (
                f"{one.target:g}x fewer {HEADLINES[one.size]}, against {one.other}",
                _points(curves, one.each),
                f"{better} of {len(one.each)}",
                f"{p:.3g}",
                f"{among_all:.3g}",
                verdict(p, among_all, len(one.each)),
            )
        )
    first = curves.arms()[0]
    return Table(
        f"How much better {first} is, seed by seed, and whether that is beyond chance",
        ("where", "better by", "in seeds", "p", "p, of all", "in words"),
        tuple(rows),
    )


def _points(curves: Curves, each: Sequence[float]) -> str:
    scale, unit = (100.0, " points") if curves.metric.share else (1.0, "")
    digits = 2 if unit else 4
    words = f"{scale * statistics.fmean(each):+.{digits}f}"
    if len(each) > 1:
        words += f" ± {scale * statistics.stdev(each):.{digits}f}"
    return words + unit


def _digests(curves: Curves) -> list[tuple[str, str, str]]:
    return [
        (arm, str(seed), digest)
        for (arm, seed), several in curves.digests.items()
        for digest in several
    ]
