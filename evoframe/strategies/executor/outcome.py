"""Outcome: what came of a call in another process, as it is sent home."""

from __future__ import annotations

import pickle
import traceback
from collections.abc import Callable
from typing import Any

import attrs


class _Elsewhere(Exception):  # noqa: N818  it only carries a text
    """The traceback of what was raised in a worker."""

    def __str__(self) -> str:
        return f"\n{self.args[0]}"


@attrs.frozen(eq=False)
class Outcome:
    """What came of a call: its result, or what it raised. It can be pickled.

    Attributes:
        result: what was returned.
        error: what was raised instead; None if nothing was.
        trace: its traceback, in words.
    """

    result: Any = None
    error: BaseException | None = None
    trace: str = ""

    @classmethod
    def of(cls, function: Callable[..., Any], *arguments: Any) -> Outcome:
        """Call a function; what it raises is kept, ``sys.exit`` and interruptions too."""
        try:
            result = function(*arguments)
            pickle.dumps(result)  # what cannot be sent home is told while somebody can
            return cls(result)
        # All of it goes home: what ends a worker without a word looks like a death.
        except BaseException as error:  # noqa: BLE001
            return cls(error=_portable(error), trace=traceback.format_exc())

    def get(self) -> Any:
        """Return the result of the call, or raise its error, with the traceback there as the cause.

        Raises:
            BaseException: what the call raised.
        """
        if self.error is not None:
            raise self.error from _Elsewhere(self.trace)
        return self.result


def _portable(error: BaseException) -> BaseException:
    """Return an exception as it can be sent home; another in its place where it cannot."""
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301  it was made here
    except Exception:  # noqa: BLE001  exceptions may do anything when they are copied
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error
