"""The catalogue of checks: which there are, to whom they apply, and how one is made."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterable
from enum import IntEnum
from functools import cache, lru_cache
from importlib import import_module
from typing import Any, TypeVar

import attrs
import torch

from evoframe.errors import ConfigError, ConformanceError, close_match
from evoframe.kernel.device import arithmetic
from evoframe.roles import ROLES, Strategy
from evoframe.testing.trying import Broken, in_words

PAGE = "docs/reference/checks.md"
"""Where every check is explained."""

MODULES = (
    "values", "answers", "keeping", "randomness", "seeing", "streams", "dna", "environment",
    "heredity", "mutation", "selection", "litter", "training", "rungs", "together", "nurture",
    "executor", "observer", "task", "notes", "whole", "elsewhere",
)  # fmt: skip

CALLED = (
    "heredity", "encoding", "mutation", "environment", "selection", "litter", "training", "nurture",
)  # fmt: skip
"""The roles whose strategies are called in the making of a generation."""

Function = TypeVar("Function", bound=Callable[..., None])


class Stage(IntEnum):
    """When a check is tried: only if all that apply of the stages before it hold.

    One mistake would otherwise be reported many times over.
    """

    FORM = 1
    ANSWER = 2
    CALL = 3
    LAW = 4
    COMPANY = 5


class NotTried(Exception):  # noqa: N818  it is no failure
    """A check of an earlier stage fails."""


@attrs.frozen
class Check:
    """One promise of a role, and the function that tries whether a strategy keeps it.

    Attributes:
        name: what it is called in ``expected_failures`` and in test ids.
        promise: what the strategy promises, in one sentence.
        advice: why, and how it is usually kept; may be empty.
        roles: whom it may apply to.
        function: takes the strategy and raises :class:`Broken`.
        condition: whether it applies to a strategy of those roles.
        stage: when it is tried.
    """

    name: str
    promise: str
    advice: str
    roles: tuple[str, ...]
    function: Callable[[Any], None]
    condition: Callable[[Any], bool]
    stage: Stage

    def applies_to(self, strategy: Strategy) -> bool:
        """Tell whether a strategy makes this promise."""
        return strategy.role in self.roles and self.condition(strategy)

    def __call__(self, strategy: Strategy, *, excused: Container[str] = ()) -> None:
        """Try the promise.

        Args:
            strategy: of a role that it applies to.
            excused: checks of earlier stages that are known to fail.

        Raises:
            ConformanceError: it was broken: what was promised, what happened, and the smallest
                example.
            NotTried: a check of an earlier stage fails.
        """
        __tracebackhide__ = True
        # Those that were tried are remembered, so this costs each check once.
        for earlier in checks_for(strategy):
            comes_first = earlier.stage < self.stage and earlier.name not in excused
            if comes_first and failure(earlier, strategy) is not None:
                raise NotTried(f"not tried, because {earlier.name} fails")
        if (found := failure(self, strategy)) is not None:
            raise found

    def attempt(self, strategy: Strategy) -> ConformanceError | None:
        """Try the promise, whatever other checks say, and return how it was broken.

        With one thread of torch, as lives in runs have it unless a recipe says otherwise: sums
        depend on how they are split over threads.
        """
        try:
            with arithmetic(torch.device("cpu"), threads=1, strict=True):
                self.function(strategy)
        except KeyboardInterrupt:
            raise
        except Broken as told:
            return self._failure(strategy, told)
        except BaseException as error:  # noqa: BLE001  a strategy may do anything
            return self._failure(strategy, Broken(in_words(error)))
        return None

    def _failure(self, strategy: Strategy, told: Broken) -> ConformanceError:
        error = ConformanceError(self._in_words(strategy, told))
        error.check, error.happened = self.name, str(told)
        return error

    def _in_words(self, strategy: Strategy, told: Broken) -> str:
        lines = [
            f"{strategy.role} {strategy!r} fails {self.name}",
            f"promised: {self.promise}",
            f"happened: {told}",
            *([f"example:  {told.case}"] if told.case is not None else []),
            *([f"advice:   {self.advice}"] if self.advice else []),
            f"see:      {PAGE}#{anchor(self.name)}",
        ]
        return "\n".join(lines)


def failure(check: Check, strategy: Strategy) -> ConformanceError | None:
    """Return the failure of a strategy in a check, or None; tried once and then remembered."""
    try:
        return _kept_failure(check, strategy)
    except TypeError:  # it cannot be hashed, which is for a check to say
        return check.attempt(strategy)


@lru_cache(maxsize=4096)
def _kept_failure(check: Check, strategy: Strategy) -> ConformanceError | None:
    return check.attempt(strategy)


def law(
    *roles: str, when: Callable[[Any], bool] = lambda _: True, stage: Stage = Stage.LAW
) -> Callable[[Function], Function]:
    """Return a decorator that makes a function ``check_...`` part of the catalogue.

    Args:
        *roles: the roles that it applies to; all if none is named.
        when: further condition on a strategy of those roles.
        stage: when it is tried.
    """

    def mark(function: Function) -> Function:
        function.evoframe_law = (roles or tuple(ROLES), when, stage)  # type: ignore[attr-defined]
        return function

    return mark


@cache
def all_checks() -> tuple[Check, ...]:
    """Return every check, in the order in which an author should look at failures."""
    return tuple(
        _check(function)
        for module in MODULES
        for function in vars(import_module(f"evoframe.testing.checks.{module}")).values()
        if hasattr(function, "evoframe_law") and function.__module__.endswith(f".{module}")
    )


def checks_for(strategy: Strategy) -> tuple[Check, ...]:
    """Return the checks of a strategy, chosen by its role, its options and its traits.

    Raises:
        ConfigError: it is no strategy.
    """
    if not isinstance(strategy, Strategy) or strategy.role not in ROLES:
        hint = " Give it its options, in parentheses." if isinstance(strategy, type) else ""
        raise ConfigError(f"{strategy!r} is no strategy; wanted a value of a role.{hint}")
    return tuple(check for check in all_checks() if check.applies_to(strategy))


def require_known(names: Iterable[str], strategies: Iterable[Strategy]) -> None:
    """Refuse names of checks that apply to none of the strategies.

    Raises:
        ConfigError: the name, and the nearest that would apply.
    """
    known = [check.name for strategy in strategies for check in checks_for(strategy)]
    for name in names:
        if name not in known:
            raise ConfigError(
                f"no check {name!r} applies here.{close_match(name, known)} "
                f"Checks: {', '.join(dict.fromkeys(known))}."
            )


def anchor(name: str) -> str:
    """Return the name of a check as part of an address."""
    return name.replace("_", "-")


def _check(function: Any) -> Check:
    roles, condition, stage = function.evoframe_law
    text = (function.__doc__ or "").replace("``", "`").strip().partition("\n\n")
    promise, advice = (re.sub(r"\s+", " ", part).strip() for part in (text[0], text[2]))
    name = function.__name__.removeprefix("check_")
    return Check(name, promise, advice, roles, function, condition, stage)
