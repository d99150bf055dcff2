"""Limits: what a smaller network may cost, as people say it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TypeGuard

import attrs

from evoframe.errors import ConfigError

COSTS = {
    "parameters": "parameters",
    "flops": "FLOPs",
    "bytes": "bytes",
    "activations": "peak bytes of activations",
    "latency": "seconds",
}
"""The costs that may be limited, with their words."""

SMALL = 100
"""Numbers below it that cannot be met may have been meant as factors."""

_MILLISECONDS = re.compile(r"(\d+(?:\.\d+)?)\s*ms")
_FACTOR = re.compile(r"(\d+(?:\.\d+)?)x")


@attrs.frozen
class Limit:
    """At most so much of one cost.

    Attributes:
        cost: which.
        whole: of the network as it came.
        most: of the smaller one.
        asked: what somebody said.
    """

    cost: str
    whole: float
    most: float
    asked: str | float = ""

    @property
    def hint(self) -> str:
        """Say that a small number may have been meant as a factor; empty for anything else."""
        if self.cost == "latency" or not _is_number(str(self.asked)) or not 1 < self.most < SMALL:
            return ""
        return f"(That is a number of {COSTS[self.cost]}; a factor is written '{self.most:g}x'.) "

    def after(self, share: float) -> float:
        """Return the limit when a share of the way down is done; each step takes the same part."""
        return self.most if share >= 1 else self.whole * (self.most / self.whole) ** share


def limits_of(
    asked: Mapping[str, str | float | None], costs: Mapping[str, float], *, bounded: bool = False
) -> list[Limit]:
    """Return the limits that somebody asks for.

    Args:
        asked: by cost a factor as in ``"4x"``, a share from 0 to 1, or a number above 1.
        costs: of the network as it is.
        bounded: the widths of layers are bounded too, which is enough to ask for.

    Raises:
        ConfigError: nothing is asked for, or what cannot be understood, told or is there already.
    """
    given = {cost: value for cost, value in asked.items() if value is not None}
    if not given and bounded:
        return [Limit("parameters", costs["parameters"], costs["parameters"])]
    if not given:
        raise ConfigError(
            "no target given; pass for example flops='4x', parameters='2x' or bytes='2x'."
        )
    return [_limit(cost, value, costs) for cost, value in given.items()]


def _limit(cost: str, value: str | float, costs: Mapping[str, float]) -> Limit:
    if cost not in costs and cost == "latency":
        raise ConfigError(
            "a limit of latency needs a table of measured latencies: latency_table='table.json'. "
            "`evoframe latency` or evoframe.latency_table(network, inputs, 'table.json') makes one."
        )
    if cost not in costs:
        raise ConfigError(
            f"the {COSTS[cost]} of this network cannot be computed, because it does not run on "
            "torch's meta device. Limit parameters or bytes."
        )
    whole = costs[cost]
    most = _most(cost, value, whole)
    if most > whole:
        has = f"{1e3 * whole:.4g} ms" if cost == "latency" else f"{whole:,.0f}"
        raise ConfigError(f"{cost} = {value!r} is no less than the network has: {has}.")
    return Limit(cost, whole, most, value)


def _most(cost: str, value: str | float, whole: float) -> float:
    if isinstance(value, str):
        found = _FACTOR.fullmatch(value.strip())
        if found is not None and float(found[1]) > 0:
            return whole / float(found[1])
        milliseconds = _MILLISECONDS.fullmatch(value.strip())
        if cost == "latency" and milliseconds is not None and float(milliseconds[1]) > 0:
            return float(milliseconds[1]) / 1e3
        if _is_number(value):
            value = float(value)
    if cost == "latency" and not (is_number(value) and 0 < value <= 1):
        raise ConfigError(
            f"latency is {value!r}; wanted a factor as in '2x', a share between 0 and 1, or "
            "milliseconds as in '10ms'."
        )
    if not is_number(value) or not value > 0:
        raise ConfigError(
            f"{cost} is {value!r}; wanted a factor as in '4x', a share between 0 and 1, or a "
            "number above 1, which is at most left."
        )
    return value * whole if value <= 1 else float(value)


def is_number(value: object) -> TypeGuard[int | float]:
    """Tell numbers from all else; True is none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
