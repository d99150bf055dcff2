"""Scales: where a value lies on an axis, and which values have a tick."""

from __future__ import annotations

import math
from collections.abc import Collection

import attrs

STEPS = (1, 2, 5)
LARGEST = 1e100
"""What is further from zero lies at the end of an axis: nothing on it could be told apart."""

FINE = (1, 1.5, 2, 3, 4, 5, 7)
"""Digits of ticks on an axis of factors, where few of them span little."""


@attrs.frozen
class Scale:
    """A stretch of values along an axis.

    Attributes:
        low, high: the values at its ends.
        start, end: where they lie, in pixels; may run backwards.
        log: whether equal factors lie equally far apart.
    """

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def __call__(self, value: float) -> float:
        """Return the place of a value, to a tenth of a pixel; at an end if it lies beyond."""
        inside = min(max(value, self.low), self.high)
        low, high, at = (self._along(one) for one in (self.low, self.high, inside))
        share = (at - low) / (high - low)
        return round(self.start + share * (self.end - self.start), 1)

    def _along(self, value: float) -> float:
        return math.log(value) if self.log else value

    def ticks(self, most: int = 6) -> list[float]:
        """Return round values on the axis, about so many."""
        found = _log_ticks(self.low, self.high, most) if self.log else []
        return found if len(found) > 1 else _even_ticks(self.low, self.high, most)


def linear(values: Collection[float], start: float, end: float, *, room: float = 0.06) -> Scale:
    """Return a scale on which values lie evenly, with room at both ends.

    Args:
        values: at least one, all finite.
        start: of the axis, in pixels.
        end: of the axis, in pixels.
        room: share of the stretch that is left free at each end.
    """
    low, high = (min(max(one(values), -LARGEST), LARGEST) for one in (min, max))
    spread = (high - low) or abs(high) or 1.0
    return Scale(low - room * spread, high + room * spread, start, end)


def logarithmic(values: Collection[float], start: float, end: float) -> Scale:
    """Return a scale of factors with room at both ends; values are positive and finite."""
    low, high = (min(max(one(values), 1 / LARGEST), LARGEST) for one in (min, max))
    room = max((high / low) ** 0.06, 1.06)
    return Scale(low / room, high * room, start, end, log=True)


def _even_ticks(low: float, high: float, most: int) -> list[float]:
    rough = (high - low) / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next((digit * power for digit in STEPS if digit * power >= rough), 10 * power)
    first = math.ceil(low / step)
    return [round(step * n, 12) for n in range(first, math.floor(high / step) + 1)]


def _log_ticks(low: float, high: float, most: int) -> list[float]:
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for digits in (FINE, STEPS, (1, 3), (1,)):
        found = [digit * 10.0**power for power in powers for digit in digits]
        inside = [value for value in found if low <= value <= high]
        if len(inside) <= most:
            return inside
    return inside[:: math.ceil(len(inside) / most)]
