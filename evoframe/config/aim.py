"""Aim: a budget that is as large as what a run is to end with, said once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evoframe.config import files
from evoframe.errors import ConfigError

UNTIL = "until"
"""What a recipe says in place of a cost and a share that the rule ``until`` is to tell."""


def aimed(
    tables: Mapping[str, Any], target: tuple[str, float] | None, generations: int
) -> Mapping[str, Any]:
    """Return tables in which environments have the cost and the share of a run where they say so.

    Every generation after the ancestor's takes the same share of what its parents cost, so that
    the last one ends where the run is to end.

    Args:
        tables: of a recipe; ``cost`` and ``share`` of an environment may be "until".
        target: the cost that a run ends with, and by what factor it is less then.
        generations: of the run, the ancestor's included.

    Raises:
        ConfigError: the rule that they refer to is not there.
    """
    environments = files.entries(tables.get("environment"), "environment")
    if not any(UNTIL in (one.get("cost"), one.get("share")) for one in environments):
        return tables
    if target is None:
        raise ConfigError(
            "this recipe cuts to the target of run.until, which is not set. Try --until flops=4x, "
            "or until='flops=4x' in Python."
        )
    cost, factor = target
    found: dict[str, Any] = {"cost": cost, "share": (1 / factor) ** (1 / max(1, generations - 1))}

    def told(one: Mapping[str, Any]) -> dict[str, Any]:
        return {name: found.get(name, v) if v == UNTIL else v for name, v in one.items()}

    return {**tables, "environment": [told(one) for one in environments]}
