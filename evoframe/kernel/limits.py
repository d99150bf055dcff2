"""Limits: what an offspring may have at most, set by environments and kept by the draw."""

from __future__ import annotations

import math
from collections.abc import Mapping

import attrs


@attrs.frozen
class Cap:
    """At most this many synapses over these parameters; the least probable go first."""

    names: tuple[str, ...]
    limit: int


@attrs.frozen(eq=False)
class Ceiling:
    """At most this much of a cost, once an offspring is drawn and settled.

    What may be spent is spent: of all that could live, the likeliest do, until the next would be
    too much (:mod:`evoframe.kernel.drawing.ceilings`).

    Attributes:
        rates: what one unit of each cost of an anatomy counts; several for a latency.
        limit: the largest sum of rates times costs.
        floor: share of the ancestor's channels that every layer keeps as far as the limit allows.
        even: every layer keeps the same share of what its parents offer.
        what: what is bounded, for people.
        constant: what every network takes of the limit.
    """

    rates: Mapping[str, float]
    limit: float
    floor: float = 0.0
    even: bool = False
    what: str = "cost"
    constant: float = 0.0

    def spent(self, costs: Mapping[str, float]) -> float:
        """Return the part of the limit that an individual of these costs takes."""
        return self.constant + sum(rate * costs[name] for name, rate in self.rates.items())

    def at_least(self, costs: Mapping[str, float]) -> float:
        """Return the same at the least, of one of whom only some costs are known."""
        if any(rate < 0 for rate in self.rates.values()):
            return -math.inf
        known = {name: rate for name, rate in self.rates.items() if name in costs}
        return attrs.evolve(self, rates=known).spent(costs)
