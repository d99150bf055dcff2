"""Widths: which sizes of a call follow the widths of a network, learned from smaller networks.

The same call in a network and in smaller ones has sizes that stay, and sizes that change. Those
that always change in proportion are one *width*, as the channels that a layer reads are, and its
weight along one axis: what is looked up in a table is the widths alone.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from string import ascii_lowercase
from typing import Any

import attrs

from evoframe.costs.calls import Call

MOST_FREE = 3
"""So many widths of one call are measured against each other; more grow together."""

Column = tuple[int, ...]
"""One size of a call in all networks."""

Place = tuple[str, str, int]
"""A call in a network: its layer, its form, and how many of that form came before there."""


@attrs.frozen
class Alike:
    """One call in all networks.

    Attributes:
        call: with a text for every size that follows a width, as in ``a`` or ``4*a``.
        most: the largest value of each width, which is the one of the whole network.
        steps: of what each width always is a multiple, as what is halved is even.
        times: how many calls of the whole network are alike; none where only smaller ones have it.
    """

    call: Call
    most: dict[str, int]
    steps: dict[str, int]
    times: int

    def joined(self, other: Alike) -> Alike:
        """Return both as one, which are alike but for how wide they may be."""
        most = {name: max(own, other.most[name]) for name, own in self.most.items()}
        steps = {name: math.gcd(own, other.steps[name]) for name, own in self.steps.items()}
        return Alike(other.call, most, steps, self.times + other.times)

    def grid(self, points: int) -> dict[str, list[int]]:
        """Return the widths at which it is to be measured."""
        if len(self.most) > MOST_FREE:  # along the diagonal
            return {n: _diagonal(most, self.steps[n], points) for n, most in self.most.items()}
        points = min(points, 3) if len(self.most) == MOST_FREE else points
        return {n: _spread(most, self.steps[n], points) for n, most in self.most.items()}


def sorted_out(networks: Sequence[Sequence[Call]]) -> list[Alike]:
    """Return the calls of a network and of smaller ones that are not alike, each with its widths.

    The same call in another network is that of the same form in the same layer. A smaller network
    may make others, as attention does that has lost dimensions.

    Args:
        networks: the calls of the whole network, and those of smaller ones.
    """
    seen: dict[Place, list[Call]] = {}
    for calls in networks:
        for place, call in _placed(calls):
            seen.setdefault(place, []).append(call)
    whole = {place for place, _ in _placed(networks[0])}
    found: dict[tuple[str, tuple[Any, ...]], Alike] = {}
    for place, calls in seen.items():
        mine = _alike(calls, times=int(place in whole))
        alike = mine.call.form, mine.call.sizes
        found[alike] = mine.joined(found[alike]) if alike in found else mine
    return list(found.values())


def _placed(calls: Sequence[Call]) -> Iterator[tuple[Place, Call]]:
    """Yield calls with their layer, their form, and how many of that form came before there."""
    before: Counter[tuple[str, str]] = Counter()
    for call in calls:
        where = call.layer, call.form
        yield (*where, before[where]), call
        before[where] += 1


def _alike(calls: Sequence[Call], times: int) -> Alike:
    columns = list(zip(*(one.sizes for one in calls), strict=True))
    widths: list[list[Column]] = []
    for column in columns:
        if len(set(column)) > 1:
            mine = next((one for one in widths if _go_together(one[0], column)), None)
            if mine is None:
                widths.append([column])
            else:
                mine.append(column)
    units = [math.gcd(*(column[0] for column in one)) for one in widths]
    said: dict[Column, Any] = {}
    most: dict[str, int] = {}
    steps: dict[str, int] = {}
    for name, unit, mine in zip(ascii_lowercase, units, widths, strict=False):
        said |= {one: name if one[0] == unit else f"{one[0] // unit}*{name}" for one in mine}
        values = [unit * size // mine[0][0] for size in mine[0]]
        most[name], steps[name] = max(values), math.gcd(*values)
    template = calls[0].with_sizes(iter([said.get(one, one[0]) for one in columns]))
    return Alike(template, most, steps, times)


def _go_together(one: Column, other: Column) -> bool:
    return all(a * other[0] == b * one[0] and b > 0 for a, b in zip(one, other, strict=True))


def _spread(most: int, step: int, points: int) -> list[int]:
    """Return widths from 1 to the whole, evenly."""
    return sorted({*_diagonal(most, step, points), 1, most})


def _diagonal(most: int, step: int, points: int) -> list[int]:
    """Return as many widths from 1 to the whole; some are equal where there are fewer."""
    found = (step * round(most * at / (points - 1) / step) for at in range(points))
    return [min(max(1, one), most) for one in found]


def solved(template: Call, call: Call) -> dict[str, int] | None:
    """Return the widths at which a template is a call; None if it never is."""
    widths: dict[str, int] = {}
    for due, size in zip(template.sizes, call.sizes, strict=True):
        if not isinstance(due, str):
            if due != size:
                return None
            continue
        times, _, name = due.rpartition("*")
        width, rest = divmod(size, int(times or 1))
        if rest or widths.setdefault(name, width) != width:
            return None
    return widths


def described(some: Sequence[Alike], points: int) -> Iterator[dict[str, Any]]:
    """Yield what a plan says of each call."""
    for one in some:
        yield {
            "layer": one.call.layer,
            "times": one.times,
            "function": one.call.function,
            "arguments": one.call.arguments,
            "keywords": one.call.keywords,
            "widths": one.grid(points),
            **({"diagonal": True} if len(one.most) > MOST_FREE else {}),
        }
