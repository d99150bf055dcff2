"""Trying: a promise on many cases, until one breaks it; then on smaller ones."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn, TypeVar

from hypothesis import HealthCheck, Phase, errors, given, settings
from hypothesis.strategies import SearchStrategy

from evoframe.errors import StillbornError

T = TypeVar("T")

EXAMPLES = "EVOFRAME_EXAMPLES"
"""The environment variable that says how many examples each check tries."""

DEEP = "EVOFRAME_DEEP"
"""The environment variable that asks for all that takes long, if it is not empty."""

LITTLE = 0.03
"""Seconds of a check up to which it is only looked at: the fewest examples, and no corners."""

FEWEST = 2
"""Examples that are tried however long they take."""

_hurry: list[float] = []
"""CPU seconds that one check may take for examples; empty if nobody is in a hurry."""

cut_short: list[float] = []
"""One entry for each check that had no time for all of its examples."""


class Broken(Exception):  # noqa: N818  it says what has happened
    """What has happened instead of what was promised, and to which case."""

    case: Any = None


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
    clock = Clock()

    def tried(case: T) -> None:
        if clock.is_over():
            return
        try:
            attempt(case)
        except Broken as told:
            told.case = case
            clock.stop()
            raise
        # Hypothesis's own signals, which must reach it: an example that does not count, for one.
        except errors.HypothesisException:
            raise
        except (KeyboardInterrupt, errors.StopTest):
            raise
        except BaseException as error:
            raised = Broken(in_words(error))
            raised.case = case
            clock.stop()
            raise raised from error

    try:
        profile(share)(given(cases)(tried))()
        # Afterwards: what was generated shrinks, and may show the same with less.
        if not clock.has_little:
            clock.begin(fewest=1)
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
    if _hurry and _hurry[-1] <= LITTLE:
        number = min(number, FEWEST)
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


class Clock:
    """Says when a check has had its time: by the CPU's seconds, and only :func:`in_a_hurry`."""

    def __init__(self) -> None:
        self._seconds = _hurry[-1] if _hurry else math.inf
        self.has_little = self._seconds <= LITTLE
        self.begin(FEWEST)

    def begin(self, fewest: int) -> None:
        """Give time anew, and at least for so many examples."""
        self._end = time.process_time() + self._seconds
        self._left = fewest

    def is_over(self) -> bool:
        """Tell whether an example is to be left out, and count it otherwise."""
        late = time.process_time() > self._end
        if late and self._left <= 0:
            if not self.has_little and self._end not in cut_short:
                cut_short.append(self._end)
            return True
        self._left -= 1
        return False

    def stop(self) -> None:
        """Take all the time that there is: something failed, and smaller examples are sought."""
        self._end = math.inf


@contextmanager
def in_a_hurry(seconds: float) -> Iterator[None]:
    """Let every check that begins within the block take so many seconds for its examples."""
    _hurry.append(seconds)
    try:
        yield
    finally:
        _hurry.pop()
