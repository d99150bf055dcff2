"""Patience: a call that never comes back is given up, where that can be done.

Observers are called in the thread that carries the run. In the main thread of a program, on systems
with alarms, one that hangs is interrupted and left behind, as soon as Python gets to run in it: a
compiled library that never returns is waited for. In other threads everybody is waited for, and a
person is told who it is.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

SECONDS = 300.0
"""How long an observer may take for one call: longer than a slow network or a large plot takes."""

AGAIN = 1.0
"""Seconds after which somebody is interrupted again who has swallowed the interruption."""


class HungError(BaseException):
    """A call did not come back in time; no ``Exception``, which foreign code may swallow."""


@contextmanager
def limited(tell: Callable[[str], None]) -> Iterator[None]:
    """Run a block for so long and no longer.

    Args:
        tell: takes a sentence where the block cannot be interrupted.

    Raises:
        HungError: it did not come to its end in time.
    """
    if threading.current_thread() is threading.main_thread() and hasattr(signal, "setitimer"):
        with _interrupted():
            yield
        return
    thread = threading.current_thread().name
    words = f"has not come back for {SECONDS:g} s in the thread {thread!r}, and is waited for"
    timer = threading.Timer(SECONDS, tell, (words,))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


@contextmanager
def _interrupted() -> Iterator[None]:
    """Interrupt a block by an alarm; the alarms of others go off when they are due."""
    begun, active = time.monotonic(), True

    def interrupt(_number: int, _frame: object) -> None:
        if active:
            raise HungError(f"it did not come back within {SECONDS:g} s")

    before = signal.signal(signal.SIGALRM, interrupt)
    left, interval = signal.setitimer(signal.ITIMER_REAL, SECONDS, AGAIN)
    try:
        yield
    finally:
        active = False
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        if left:
            spent = time.monotonic() - begun
            signal.setitimer(signal.ITIMER_REAL, max(left - spent, 1e-3), interval)
