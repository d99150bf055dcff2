"""Blame: whoever fails while a strategy acts is named, with whose birth it was."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from evoframe.errors import EvoframeError, StrategyError
from evoframe.kernel.context import Context
from evoframe.kernel.splits import sight_of, splits_of
from evoframe.roles.base import Strategy

OURS = Path(__file__).parents[1]
"""The folder of this package."""


NOT_THEIRS = (OURS, Path(traceback.__file__).parent)
"""Where the lines stand that no author of a strategy has written."""


class Named(Protocol):
    """A strategy, or a task as the kernel knows it."""

    @property
    def name(self) -> str:
        """What people call it."""


@contextmanager
def acting(strategy: Strategy, context: Context, *index: int) -> Iterator[None]:
    """Run a call of a strategy: it sees the splits that it may, and is named if it fails.

    Args:
        strategy: who acts.
        context: whose birth it is.
        index: which it is, of several of its role.

    Raises:
        StrategyError: what it raised, whatever that was: a panic of a compiled library and the end
            of the interpreter too, but not what a person does at the keyboard.
    """
    entry = f"{strategy.role}[{index[0]}]" if index else strategy.role
    with blamed(strategy, entry, context.id), sight_of(splits_of(strategy)):
        yield


@contextmanager
def blamed(strategy: Named, entry: str, individual: str = "") -> Iterator[None]:
    """Run a block; what it raises is said to be a strategy's doing.

    Raises:
        StrategyError: what was raised.
    """
    try:
        yield
    except StrategyError as error:
        if not error.entry:  # else somebody further inside is named already
            raise named(error, strategy, entry, individual) from error.__cause__
        raise
    except (EvoframeError, KeyboardInterrupt, GeneratorExit):
        raise
    except BaseException as error:
        reason = f"{type(error).__name__}: {error}".rstrip(": ") + _place(error)
        raise named(StrategyError(reason), strategy, entry, individual) from error


def named(error: StrategyError, strategy: Named, entry: str, individual: str = "") -> StrategyError:
    """Return the same error with the name of the strategy, and at whom it failed."""
    where = f" at {individual}" if individual else ""
    role = entry.partition("[")[0]
    found = type(error)(f"{role} {strategy.name!r}{where}: {error}")
    found.entry, found.individual, found.reason = entry, individual, str(error)
    return found


def _place(error: BaseException) -> str:
    """Say in which line of whose code something was raised: the innermost that is not ours."""
    frames = traceback.extract_tb(error.__traceback__)
    for one in reversed(frames):
        file = Path(one.filename)
        if file.is_file() and not any(folder in file.parents for folder in NOT_THEIRS):
            return f" ({file.name}, line {one.lineno})"
    return ""
