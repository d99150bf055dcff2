"""Chance: whether two arms differ by more than the luck of seeds, in numbers and in words.

Arms are compared seed by seed, because those of a seed begin with the same ancestor. Were nothing
between them, each difference could as well have the other sign: the p-value is the share of all
ways to put signs on which the mean is at least as far from zero. It needs no distribution, and it
says by itself when seeds are too few to show anything. Of many comparisons some come out well by
luck, which Holm's correction takes into account.
"""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Sequence

SURE = 0.05
"""Below this, a difference is said to be beyond chance."""

MOST = 16
"""Up to so many seeds all ways are counted; of more, as many are drawn."""


def p_value(differences: Sequence[float]) -> float:
    """Return the probability of a mean at least so far from zero, were signs but chance.

    Args:
        differences: one a seed; at least one.
    """
    total = abs(math.fsum(differences))
    ways = _signs(len(differences))
    # The small number forgives rounding: the signs as they were always count.
    far = [
        abs(math.fsum(s * d for s, d in zip(way, differences, strict=True))) >= total * (1 - 1e-9)
        for way in ways
    ]
    return sum(far) / len(far)


def _signs(count: int) -> list[tuple[int, ...]]:
    if count <= MOST:
        return list(itertools.product((1, -1), repeat=count))
    chance = random.Random(0)  # noqa: S311  the same page of the same runs
    drawn = [tuple(chance.choice((1, -1)) for _ in range(count)) for _ in range(2**MOST - 1)]
    return [(1,) * count, *drawn]


def corrected(values: Sequence[float]) -> list[float]:
    """Return p-values of several comparisons, each made larger by Holm's rule."""
    found, largest = [0.0] * len(values), 0.0
    for rank, index in enumerate(sorted(range(len(values)), key=lambda at: values[at])):
        largest = max(largest, min((len(values) - rank) * values[index], 1.0))
        found[index] = largest
    return found


def fewest(comparisons: int = 1) -> int:
    """Return the number of seeds from which on a difference can be beyond chance at all.

    Args:
        comparisons: how many are made.
    """
    # At best all signs agree, which 2 of the 2^n ways do.
    return math.floor(math.log2(2 * comparisons / SURE)) + 1


def verdict(p: float, among_all: float, seeds: int) -> str:
    """Return in words whether a difference is beyond chance.

    Args:
        p: of this comparison by itself.
        among_all: corrected for all that were made.
        seeds: how many there are.
    """
    if among_all < SURE:
        return "beyond chance"
    if p < SURE:
        return "beyond chance by itself, not among all comparisons"
    if seeds < fewest():
        return f"cannot be told from chance: {fewest()} seeds are needed at least"
    return "not beyond chance"
