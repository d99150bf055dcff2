"""Variants: a strategy with other options than it was given, as its users will have it."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from typing import Any, Literal, get_args, get_origin

from evoframe.errors import EvoframeError
from evoframe.registry.checking import options
from evoframe.roles import Strategy
from evoframe.testing.case import Case, Choice
from evoframe.testing.prepared import prepared, with_option

WITHOUT = ("task", "executor", "observer")
"""Roles whose options say what there is, and not what becomes of it."""


def variants(strategy: Strategy) -> list[Strategy]:
    """Return a strategy with one option after the other changed, where it takes that.

    Choices are exchanged, and numbers halved and doubled; numbers of a training decide whether it
    converges, and are left alone.
    """
    if strategy.role in WITHOUT:
        return []
    changed = (
        with_option(strategy, field.name, value)
        for field in options(type(strategy))
        for value in _others(field.type, getattr(strategy, field.name), strategy)
    )
    return [one for one in dict.fromkeys(changed) if one is not None and _can_act(one)]


def _others(kind: Any, value: Any, strategy: Strategy) -> Iterator[Any]:
    """Yield further values of an option."""
    kinds = [part for part in get_args(kind) if part is not type(None)]
    if type(None) in get_args(kind) and value is not None:
        yield None
    if kinds and type(None) in get_args(kind):
        kind = kinds[0]
    if get_origin(kind) is Literal:
        yield from (one for one in get_args(kind) if one != value)
    elif isinstance(kind, type) and issubclass(kind, enum.Enum):
        yield from (one for one in kind if one is not value)
    elif isinstance(value, bool):
        yield not value
    elif isinstance(value, int | float) and strategy.role != "training":
        yield from (one for one in (type(value)(value / 2), 2 * value) if one != value)


def _can_act(strategy: Any) -> bool:
    """Tell whether a strategy takes these options together: it may refuse them when it acts."""
    case: Any = Choice() if strategy.role == "selection" else Case()
    try:
        if strategy.role in ("encoding", "heredity", "training", "selection"):
            strategy.check(Case().specimen)
        prepared(strategy, case).call()
    except EvoframeError:
        return False
    except Exception:  # noqa: BLE001  a check tells of it
        return True
    return True
