"""The catalogue of checks: which there are, to whom they apply, and how one is made."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Container, Iterable
from enum import IntEnum
from functools import cache, lru_cache
from importlib import import_module
from typing import Any, NoReturn, TypeVar

import attrs
from hypothesis import HealthCheck, Phase, errors, given, settings
from hypothesis.strategies import SearchStrategy

from evoframe.errors import ConfigError, ConformanceError, StillbornError, close_match
from evoframe.roles import ROLES, Strategy

PAGE = "docs/reference/checks.md"
"""Where every check is explained."""

EXAMPLES = "EVOFRAME_EXAMPLES"
"""The environment variable that says how many examples each check tries."""

DEEP = "EVOFRAME_DEEP"
"""The environment variable that asks for all that takes long, if it is not empty."""

MODULES = (
    "values", "answers", "keeping", "randomness", "seeing", "streams", "dna", "environment",
    "heredity", "mutation", "selection", "training", "nurture", "executor", "observer", "task",
    "whole", "elsewhere",
)  # fmt: skip

Function = TypeVar("Function", bound=Callable[..., None])
T = TypeVar("T")


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


class Broken(Exception):  # noqa: N818  it says what has happened
    """What has happened instead of what was promised, and to which case."""

    case: Any = None


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
        """Try the promise, whatever other checks say, and return how it was broken."""
        try:
            self.function(strategy)
        except Broken as told:
            return ConformanceError(self._in_words(strategy, told))
        except Exception as error:  # noqa: BLE001  a strategy may do anything
            return ConformanceError(self._in_words(strategy, Broken(in_words(error))))
        return None

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


def for_all(
    cases: SearchStrategy[T],
    attempt: Callable[[T], None],
    *,
    share: float = 1.0,
    corners: Iterable[T] = (),
) -> None:
    """Try a function on generated cases; what is raised in the end is of the smallest that fails.

    Args:
        cases: where cases come from.
        attempt: raises :class:`Broken` if the promise is broken; anything else that it raises
            counts as broken too.
        share: of the usual number of examples, for attempts that take long.
        corners: further cases, which no chance may leave out.
    """
    __tracebackhide__ = True

    def tried(case: T) -> None:
        try:
            attempt(case)
        except Broken as told:
            told.case = case
            raise
        # Hypothesis's own signals, which must reach it: an example that does not count, for one.
        except errors.HypothesisException:
            raise
        except Exception as error:
            raised = Broken(in_words(error))
            raised.case = case
            raise raised from error

    try:
        profile(share)(given(cases)(tried))()
        # Afterwards: what was generated shrinks, and may show the same with less.
        for corner in corners:
            tried(corner)
    # Hypothesis tries what has failed once more; a strategy with state of its own then passes.
    except errors.Flaky as unsteady:
        raise Broken("it failed at first, and not when the same was tried again") from unsteady


def broken(happened: str, case: Any = None) -> NoReturn:
    """Say that a promise is broken, and how; and to which case, where :func:`for_all` cannot."""
    __tracebackhide__ = True
    told = Broken(happened)
    told.case = case
    raise told


def in_words(error: BaseException) -> str:
    """Return an exception in one line, with the file and line of the code that raised it."""
    place, trace = "", error.__traceback__
    while trace is not None:
        # The innermost frame wins: that is where it was raised.
        file = trace.tb_frame.f_code.co_filename
        place = f" ({os.path.basename(file)}, line {trace.tb_lineno})"  # noqa: PTH119
        trace = trace.tb_next
    kind = "" if isinstance(error, StillbornError) else f"{type(error).__name__}: "
    return f"it raised {kind}{error}{place}"


def profile(share: float = 1.0) -> settings:
    """Return the settings of checks: the same examples every time, and no deadline.

    As many examples as the environment says, else a quarter of the session's own number.
    """
    given_number = os.environ.get(EXAMPLES)
    usual = settings().max_examples // (1 if is_deep() else 4)
    number = int(given_number) if given_number else usual
    return settings(
        max_examples=max(1, round(number * share)),
        deadline=None,
        # A check that fails on one machine must fail on all, and today as tomorrow.
        derandomize=True,
        database=None,
        # One smallest case is what an author can act on.
        report_multiple_bugs=False,
        # Drawing cases surveys networks, which hypothesis takes for slow strategies.
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.shrink],
        print_blob=False,
    )


def is_deep() -> bool:
    """Tell whether everything is to be tried that takes long."""
    return bool(os.environ.get(DEEP))


def anchor(name: str) -> str:
    """Return the name of a check as part of an address."""
    return name.replace("_", "-")


def _check(function: Any) -> Check:
    roles, condition, stage = function.evoframe_law
    text = (function.__doc__ or "").replace("``", "`").strip().partition("\n\n")
    promise, advice = (re.sub(r"\s+", " ", part).strip() for part in (text[0], text[2]))
    name = function.__name__.removeprefix("check_")
    return Check(name, promise, advice, roles, function, condition, stage)
