"""Points: individuals by how much smaller they are and how good, and those that nobody beats."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from evoframe.kernel.individual import Individual
from evoframe.report.page.facts import Facts


@attrs.frozen
class Point:
    """Somebody by size and worth.

    Attributes:
        one: who it is.
        fewer: how many times less of the size than the ancestor.
        value: the primary metric on validation.
    """

    one: Individual
    fewer: float
    value: float


def pareto(points: Sequence[Point], *, maximise: bool) -> list[Point]:
    """Return the points than which none is smaller and better, from largest to smallest."""
    found: list[Point] = []
    sign = 1.0 if maximise else -1.0
    for point in sorted(points, key=lambda one: (-one.fewer, -sign * one.value)):
        if not found or sign * point.value > sign * found[-1].value:
            found.append(point)
    return found[::-1]


def points_of(facts: Facts, name: str) -> list[Point]:
    """Return everybody of whom a size is known, elites once; none if the ancestor's is not."""
    sizes = {one.id: _size(facts, one, name) for one in facts.sound()}
    whole = sizes.get(facts.ancestor.id)
    if not whole:
        return []
    found = []
    for one in facts.sound():
        size = sizes[one.id]
        if size:
            found.append(Point(one, whole / size, facts.value(one)))
    return found


def _size(facts: Facts, one: Individual, name: str) -> float | None:
    """Return a size of somebody; of latency, what was measured where anything was."""
    if name == "latency" and facts.latency:
        taken = facts.latency["seconds"].get(one.id, {})
        return float(taken[batch_of(facts)][0]) if batch_of(facts) in taken else None
    return facts.costs(one).get(name)


def batch_of(facts: Facts) -> str:
    """Return the largest batch that was measured of the ancestor."""
    taken = facts.latency["seconds"].get(facts.ancestor.id, {"1": ()})
    return str(max(taken, key=int))


def of_baselines(facts: Facts, name: str) -> list[tuple[str, list[Point]]]:
    """Return the best of each generation of every baseline beside a run, without its ancestor."""
    found = []
    for arm, baseline in facts.baselines.items():
        best: dict[int, Point] = {}
        for point in points_of(baseline, name):
            known = best.get(point.one.generation)
            order = facts.metric.sort_value
            if known is None or order(point.value) > order(known.value):
                best[point.one.generation] = point
        later = [point for number, point in sorted(best.items()) if number > 1]
        found.append((arm, later))
    return [(arm, several) for arm, several in found if several]
