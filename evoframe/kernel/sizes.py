"""Sizes beside the ancestor's, for people: the smallest factor comes first.

A network with fifty times fewer synapses may have a tenth fewer parameters, where tensors stay and
hold zeros. Whoever says one of these numbers says all of them, the least flattering first.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

HEADLINES = {"parameters": "parameters", "flops": "FLOPs", "synapses": "synapses"}
"""The costs that people are told of, with their words."""

TOLD = {**HEADLINES, "latency": "milliseconds"}
"""The same, and what a run has that measures by a table of latency."""

_PREFIXES = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


def factors(
    costs: Mapping[str, float],
    ancestor: Mapping[str, float],
    names: Iterable[str] = HEADLINES,
) -> dict[str, float]:
    """Return the factors by which an individual has less of some costs, the smallest first."""
    found = {
        name: ancestor[name] / costs[name] if costs[name] else math.inf
        for name in names
        if name in costs and name in ancestor
    }
    return dict(sorted(found.items(), key=lambda item: item[1]))


def fewer_in_words(costs: Mapping[str, float], ancestor: Mapping[str, float]) -> str:
    """Return those factors as a sentence has them: 17.1x fewer parameters, 46.5x synapses."""
    words = [
        f"{factor:.1f}x {TOLD[name]}" for name, factor in factors(costs, ancestor, TOLD).items()
    ]
    return ", ".join(words).replace("x ", "x fewer ", 1)


def sizes_in_words(costs: Mapping[str, float]) -> str:
    """Return the sizes that people are told of: 144k parameters, 21.4M FLOPs, 143k synapses."""
    return ", ".join(
        f"{amount(costs, name)} {what}" for name, what in TOLD.items() if name in costs
    )


def amount(costs: Mapping[str, float], name: str) -> str:
    """Return a cost to three figures; seconds as milliseconds."""
    return short(1e3 * costs[name] if name == "latency" else costs[name])


def did_shrink(costs: Mapping[str, float], ancestor: Mapping[str, float]) -> bool:
    """Tell whether tensors became smaller, and not by a trifle."""
    return costs["parameters"] < 0.95 * ancestor["parameters"]


def short(value: float) -> str:
    """Return a count to three figures, as in 8.41k, at most five characters wide."""
    for size, prefix in _PREFIXES:
        if value >= 0.9995 * size:
            return f"{_three(value / size)}{prefix}"
    return _three(value)


def _three(value: float) -> str:
    """Return a number below a thousand to three figures, whole ones as they are."""
    if value == int(value) or value >= 99.95:
        return f"{value:.0f}"
    return f"{value:.2f}" if value < 9.995 else f"{value:.1f}"
