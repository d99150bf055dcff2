"""Widths: which sizes of a call follow the widths of a network, learned from smaller networks.

The same call in several networks of one family has sizes that stay, and sizes that change. Those
that always change in proportion are one *width*, as the channels that a layer reads are, and its
weight along one axis: what is looked up in a table is the widths alone.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from string import ascii_lowercase
from typing import Any

import attrs

from evoframe.costs.calls import Call

MOST_FREE = 3
"""So many widths of one call are measured against each other; more grow together."""

Column = tuple[int, ...]
"""One size of a call in all networks."""


@attrs.frozen
class Family:
    """One call in all networks.

    Attributes:
        call: with a text for every size that follows a width, as in ``a`` or ``4*a``.
        most: the largest value of each width, which is the one of the whole network.
        times: how many calls of the whole network are alike.
    """

    call: Call
    most: dict[str, int]
    times: int = 1

    def grid(self, points: int) -> dict[str, list[int]]:
        """Return the widths at which it is to be measured."""
        if len(self.most) > MOST_FREE:  # along the diagonal
            return {name: _diagonal(most, points) for name, most in self.most.items()}
        points = min(points, 3) if len(self.most) == MOST_FREE else points
        return {name: _spread(most, points) for name, most in self.most.items()}


def families(networks: Sequence[Sequence[Call]]) -> list[Family]:
    """Return the calls of a network that are not alike, each with its widths.

    Args:
        networks: the calls of the whole network, and those of smaller ones; what does not make
            the same calls, call by call, is passed over.
    """
    whole = networks[0]
    forms = [one.form for one in whole]
    others = [one for one in networks[1:] if [call.form for call in one] == forms]
    found: dict[tuple[str, tuple[Any, ...], tuple[int, ...]], Family] = {}
    for number, call in enumerate(whole):
        family = _family(call, [call.sizes, *(one[number].sizes for one in others)])
        alike = forms[number], family.call.sizes, tuple(family.most.values())
        known = found.get(alike)
        found[alike] = family if known is None else attrs.evolve(known, times=known.times + 1)
    return list(found.values())


def _family(call: Call, sizes: list[tuple[int, ...]]) -> Family:
    columns = list(zip(*sizes, strict=True))
    widths: list[list[Column]] = []
    for column in columns:
        if len(set(column)) > 1:
            mine = next((one for one in widths if _go_together(one[0], column)), None)
            if mine is None:
                widths.append([column])
            else:
                mine.append(column)
    units = [math.gcd(*(column[0] for column in one)) for one in widths]
    names = dict(zip(ascii_lowercase, units, strict=False))

    def size(column: Column) -> Any:
        for name, unit, mine in zip(ascii_lowercase, units, widths, strict=False):
            if column in mine:
                return name if column[0] == unit else f"{column[0] // unit}*{name}"
        return column[0]

    return Family(call.with_sizes(iter([size(one) for one in columns])), names)


def _go_together(one: Column, other: Column) -> bool:
    return all(a * other[0] == b * one[0] and b > 0 for a, b in zip(one, other, strict=True))


def _spread(most: int, points: int) -> list[int]:
    """Return widths from 1 to the whole, evenly."""
    return sorted({max(1, round(most * step / (points - 1))) for step in range(points)} | {1, most})


def _diagonal(most: int, points: int) -> list[int]:
    """Return as many widths from 1 to the whole; some are equal where there are fewer."""
    return [max(1, round(most * step / (points - 1))) for step in range(points)]


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


def described(families: Sequence[Family], points: int) -> Iterator[dict[str, Any]]:
    """Yield what a plan says of each call."""
    for one in families:
        yield {
            "layer": one.call.layer,
            "times": one.times,
            "function": one.call.function,
            "arguments": one.call.arguments,
            "keywords": one.call.keywords,
            "widths": one.grid(points),
            **({"diagonal": True} if len(one.most) > MOST_FREE else {}),
        }
