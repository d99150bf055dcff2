"""Copying: modules as ``copy.deepcopy`` copies them, several times as quick."""

from __future__ import annotations

import copy
from collections import OrderedDict
from functools import cache
from typing import Any

from torch import nn

OWN_WAYS = (
    "__deepcopy__",
    "__getstate__",
    "__setstate__",
    "__reduce__",
    "__reduce_ex__",
    "__new__",
)
"""What a class defines that wants to be copied in its own way."""

FOR_OLD_PICKLES = (nn.Conv1d.__setstate__, nn.MultiheadAttention.__setstate__)
"""Ways of layers that only add what pickles of early versions lack."""

EMPTY_TABLES = frozenset({dict, OrderedDict, set, list})
"""Types whose empty values, of which modules are full, are made anew by their names."""

COMPILED = "_compiled_call_impl"
"""Where a module that was compiled in place keeps what it calls instead of its own forward."""

PLAIN = frozenset({bool, int, float, str, bytes, type(None), type})
"""Types whose values are shared by copies."""


def replica(module: nn.Module, memo: dict[int, Any]) -> nn.Module:
    """Return a deep copy of a module, as ``copy.deepcopy`` makes it, several times as quick.

    Most of what modules hold is plain, and the same few empty tables over and over.

    Args:
        module: what to copy.
        memo: copies that are there already, by the id of their originals; grows.
    """
    if id(module) in memo:
        return memo[id(module)]  # type: ignore[no-any-return]
    # Such a class may share, drop or rebuild what it likes; only what torch does is repeated here.
    if _has_own_ways(type(module)):  # type: ignore[arg-type]  # a class can be hashed
        return copy.deepcopy(module, memo)
    twin: nn.Module = type(module).__new__(type(module))
    # Entered before it is filled, because modules refer to each other in circles.
    memo[id(module)] = twin
    held = twin.__dict__
    for name, value in module.__dict__.items():
        kind = type(value)
        if name == COMPILED:  # the original's; a copy that were to keep it would call the original
            held[name] = None
        elif kind in PLAIN:
            held[name] = value
        elif kind in EMPTY_TABLES and not value and id(value) not in memo:
            memo[id(value)] = held[name] = kind()
        else:
            held[name] = _copied(value, memo)
    return twin


def _copied(value: Any, memo: dict[int, Any]) -> Any:
    if id(value) in memo:
        return memo[id(value)]
    kind = type(value)
    if kind in EMPTY_TABLES and not value:
        memo[id(value)] = twin = kind()
        return twin
    if isinstance(value, nn.Module):
        return replica(value, memo)
    if kind in (dict, OrderedDict):
        memo[id(value)] = twin = kind()
        for key, one in value.items():
            twin[key] = one if type(one) in PLAIN else _copied(one, memo)
        return twin
    if kind is tuple and all(type(one) in PLAIN for one in value):
        return value
    return copy.deepcopy(value, memo)


@cache
def _has_own_ways(kind: Any) -> bool:
    return any(
        getattr(kind, name, None) is not getattr(nn.Module, name, None)
        and getattr(kind, name) not in FOR_OLD_PICKLES
        for name in OWN_WAYS
    )
