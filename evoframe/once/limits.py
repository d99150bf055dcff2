"""Limits: what a smaller network may cost, as people say it."""

from __future__ import annotations

import re
from collections.abc import Mapping

import attrs

from evoframe.errors import ConfigError

COSTS = {
    "parameters": "parameters",
    "flops": "FLOPs",
    "bytes": "bytes",
    "activations": "peak bytes of activations",
}
"""The costs that may be limited, with their words."""

_FACTOR = re.compile(r"(\d+(?:\.\d+)?)x")


@attrs.frozen
class Limit:
    """At most so much of one cost.

    Attributes:
        cost: which.
        whole: of the network as it came.
        most: of the smaller one.
    """

    cost: str
    whole: float
    most: float

    def after(self, share: float) -> float:
        """Return the limit when a share of the way down is done; each step takes the same part."""
        return self.most if share >= 1 else self.whole * (self.most / self.whole) ** share


def limits_of(asked: Mapping[str, str | float | None], costs: Mapping[str, float]) -> list[Limit]:
    """Return the limits that somebody asks for.

    Args:
        asked: by cost a factor as in ``"4x"``, a share from 0 to 1, or a number above 1.
        costs: of the network as it is.

    Raises:
        ConfigError: nothing is asked for, or what cannot be understood, told or is there already.
    """
    given = {cost: value for cost, value in asked.items() if value is not None}
    if not given:
        raise ConfigError("how small? Wanted flops='4x', parameters='2x' or bytes='2x'.")
    return [_limit(cost, value, costs) for cost, value in given.items()]


def _limit(cost: str, value: str | float, costs: Mapping[str, float]) -> Limit:
    if cost not in costs:
        raise ConfigError(
            f"the {COSTS[cost]} of this network cannot be told: it does not run on torch's meta "
            "device. Limit parameters or bytes."
        )
    whole = costs[cost]
    most = _most(cost, value, whole)
    if most > whole:
        raise ConfigError(f"{cost} = {value!r} is no less than the network has: {whole:,.0f}.")
    return Limit(cost, whole, most)


def _most(cost: str, value: str | float, whole: float) -> float:
    if isinstance(value, str):
        found = _FACTOR.fullmatch(value.strip())
        if found is not None and float(found[1]) > 0:
            return whole / float(found[1])
        if _is_number(value):
            value = float(value)
    if not isinstance(value, int | float) or isinstance(value, bool) or not value > 0:
        raise ConfigError(
            f"{cost} is {value!r}; wanted a factor as in '4x', a share between 0 and 1, or a "
            "number above 1, which is at most left."
        )
    return value * whole if value <= 1 else float(value)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
