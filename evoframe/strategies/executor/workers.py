"""Workers: processes that call a function again and again, for as long as they are kept.

Each has a pipe of its own, over which a call goes there, and events and what came of the call come
back, in this order. A worker is started when there is something to do and nobody free to do it.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

import attrs

from evoframe.strategies.executor.outcome import Outcome

EVENT, OUTCOME = "event", "outcome"
"""What a worker sends home."""

PATIENCE = 10.0
"""Seconds that a worker is given to end by itself."""


class DiedError(Exception):
    """A worker ended in the midst of a call."""


@attrs.define(eq=False)
class Worker:
    """A process that calls functions.

    Attributes:
        process: what runs there.
        pipe: to it.
        seat: which of the workers it is; whoever takes its place has the same.
        calls: how many it was given.
        is_busy: whether it has not answered the last.
    """

    process: BaseProcess
    pipe: Connection
    seat: int
    calls: int = 0
    is_busy: bool = False

    def give(self, call: bytes) -> None:
        """Send a call there."""
        self.calls, self.is_busy = self.calls + 1, True
        with suppress(BrokenPipeError):  # it has died, which is noticed when it should answer
            self.pipe.send_bytes(call)

    def answer(self) -> tuple[str, Any]:
        """Return the next that it sends.

        Raises:
            DiedError: it has died.
        """
        try:
            kind, value = pickle.loads(self.pipe.recv_bytes())  # noqa: S301  of our own process
        except (EOFError, OSError) as error:
            raise DiedError from error
        self.is_busy = kind == EVENT
        return kind, value


class Workers:
    """So many processes at most; to be closed, or killed."""

    def __init__(self, most: int, max_calls: int, seats: Sequence[Mapping[str, str]]) -> None:
        """Start nobody yet.

        Args:
            most: how many processes there may be.
            max_calls: after how many calls one is renewed; 0 for never.
            seats: environment variables for each, in turn; may be empty.
        """
        self._most, self._max_calls, self._seats = most, max_calls, seats
        self._here: list[Worker] = []
        self._leaving: list[Worker] = []

    def map(
        self, function: Callable[[Any, Any], Any], jobs: Sequence[Any], send: Callable[..., None]
    ) -> Iterator[Any]:
        """Yield what comes of ``function(job, send)`` for each job, as soon as it is there.

        Nobody is left at work if it ends early: who is busy then is killed.

        Raises:
            DiedError: a worker did.
            BaseException: whatever a call raised.
        """
        waiting = deque(jobs)
        try:
            while self._hand_out(function, waiting):
                busy = {worker.pipe: worker for worker in self._here if worker.is_busy}
                for pipe in wait(list(busy)):
                    yield from self._heard(busy[pipe], function, waiting, send)  # type: ignore[index]
        finally:
            self._kill([worker for worker in self._here if worker.is_busy])

    def close(self) -> None:
        """Let everybody end, and wait for it."""
        for worker in (*self._here, *self._leaving):
            worker.pipe.close()
        for worker in (*self._here, *self._leaving):
            worker.process.join(PATIENCE)
        self._kill([*self._here, *self._leaving])

    def _heard(
        self, worker: Worker, function: Any, waiting: deque[Any], send: Callable[..., None]
    ) -> Iterator[Any]:
        kind, value = worker.answer()
        if kind == EVENT:
            send(*value)
            return
        result = value.get()
        if worker.calls == self._max_calls:
            self._let_go(worker)
        # Before the result is looked at, which may take whoever asked a while.
        self._hand_out(function, waiting)
        yield result

    def _hand_out(self, function: Any, waiting: deque[Any]) -> bool:
        """Give calls to everybody who is free; tell whether anybody is busy."""
        while waiting and (worker := self._free()):
            worker.give(pickle.dumps((function, waiting.popleft())))
        return any(worker.is_busy for worker in self._here)

    def _free(self) -> Worker | None:
        # Somebody who died without a call in hand is missed by nobody.
        self._here = [one for one in self._here if one.is_busy or one.process.is_alive()]
        free = next((worker for worker in self._here if not worker.is_busy), None)
        if free is None and len(self._here) < self._most:
            taken = {worker.seat for worker in self._here}
            free = self._started(min(set(range(self._most)) - taken))
            self._here.append(free)
        return free

    def _started(self, seat: int) -> Worker:
        # Spawned rather than forked: torch's threads and CUDA do not survive a fork.
        context = multiprocessing.get_context("spawn")
        here, there = context.Pipe()
        process = context.Process(target=_work, args=(there,))
        with _environment(self._seats[seat % len(self._seats)] if self._seats else {}):
            process.start()
        there.close()  # or the end of the worker would not be heard
        return Worker(process, here, seat)

    def _let_go(self, worker: Worker) -> None:
        self._here.remove(worker)
        worker.pipe.close()
        self._leaving = [one for one in self._leaving if one.process.is_alive()]
        self._leaving.append(worker)

    def _kill(self, workers: Sequence[Worker]) -> None:
        for worker in workers:
            worker.process.kill()
        for worker in workers:
            worker.process.join()
            worker.pipe.close()
        self._here = [one for one in self._here if one not in workers]
        self._leaving = [one for one in self._leaving if one not in workers]


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables for a process that is started meanwhile."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


# --- in the worker ------------------------------------------------------------------------------


def _work(pipe: Connection) -> None:
    """Answer calls until there are no more; die with the parent, and by no other signal."""
    # Ctrl-C and schedulers reach the whole group; the
    # parent alone decides what becomes of its workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    threading.Thread(target=_follow, daemon=True).start()
    one_at_a_time = threading.Lock()  # a life may tell of itself in several threads

    def say(kind: str, value: Any) -> None:
        packed = pickle.dumps((kind, value))
        with one_at_a_time, _home_or_nowhere():
            pipe.send_bytes(packed)

    def send(hook: str, event: Any) -> None:
        say(EVENT, (hook, event))

    while True:
        try:
            call = pipe.recv_bytes()
        except (EOFError, OSError):
            return
        say(OUTCOME, Outcome.of(_called, call, send))


def _called(call: bytes, send: Callable[..., None]) -> Any:
    function, job = pickle.loads(call)  # noqa: S301  of our own process
    return function(job, send)


@contextmanager
def _home_or_nowhere() -> Iterator[None]:
    """End without a word where nobody is left to listen."""
    try:
        yield
    except OSError:
        os._exit(1)


def _follow() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait([parent.sentinel])
    # Not ``sys.exit``, which would end this thread alone.
    os._exit(1)
