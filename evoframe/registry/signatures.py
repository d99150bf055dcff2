"""Signatures: whether the methods of a strategy take what its role gives them.

Contract 1 gave a key, circumstances or a life; since contract 2 there is one context. Where the
number of arguments is the same as before, nothing would fail before something is asked of the
context that only a key can do, in the middle of a run.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

from evoframe.errors import OfferError
from evoframe.roles import ROLES, Strategy

GIVEN = "context"
"""The argument that every call of a life and of a selection is given."""

RETIRED = frozenset({"key", "around", "life"})
"""Arguments of contract 1, in whose place there is a context."""


def check_signatures(strategy: type[Strategy]) -> None:
    """Refuse a strategy with a method that its role could not call.

    Raises:
        OfferError: the method, what it takes, and what it is given.
    """
    for name, given in _calls(ROLES[strategy.role].base):
        method = inspect.getattr_static(strategy, name)
        if inspect.isfunction(method) and not _takes(method, given):
            raise OfferError(
                f"{strategy.role} class {strategy.__name__}: {name} takes "
                f"({', '.join(_arguments(method))}); wanted {name}({', '.join(given)}), "
                "since contract 2"
            )


def _calls(role: type[Strategy]) -> Iterator[tuple[str, list[str]]]:
    """Yield the methods of a role that are given a context, with all that they are given."""
    for name, member in vars(role).items():
        if inspect.isfunction(member) and GIVEN in (given := _arguments(member)):
            yield name, given


def _takes(method: Any, given: list[str]) -> bool:
    taken = _arguments(method)
    try:
        # Names stand for values: only whether so many positions fit is asked. None is ``self``.
        inspect.signature(method).bind(None, *given)
    except TypeError:  # too many arguments, or too few
        return False
    elsewhere = GIVEN in taken and taken.index(GIVEN) != given.index(GIVEN)
    return not elsewhere and RETIRED.isdisjoint(taken)


def _arguments(method: Any) -> list[str]:
    """Return the names of a method's arguments, without ``self``."""
    return list(inspect.signature(method).parameters)[1:]
