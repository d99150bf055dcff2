"""Processes: several lives at once, each in a process of its own."""

from __future__ import annotations

import multiprocessing
import os
import queue
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import wait as wait_for_sentinels
from typing import Any, ClassVar

import attrs

from evoframe.errors import RunError, TaskError
from evoframe.roles import Executor, doc
from evoframe.roles.executor import Job, Result, Send

MOST = 1024
"""More processes than that on one machine are a slip of the pen."""


@attrs.frozen
class Processes(Executor):
    """Lives several lives at once, each in a process of its own."""

    name: ClassVar[str] = "processes"

    workers: int = attrs.field(
        default=0,
        validator=[attrs.validators.ge(0), attrs.validators.le(MOST)],
        metadata=doc("processes to use; 0 for as many as there are CPU cores"),
    )

    def check(self, *, can_be_rebuilt: bool) -> None:
        """Refuse strategies that other processes could not make again."""
        if not can_be_rebuilt:
            raise TaskError(
                "the executor 'processes' must rebuild the task in other processes, and a strategy "
                "of this recipe lives only in this Python session. Put it in a file and name it "
                "as --task file.py:Name, or use the executor 'serial'."
            )

    def map(
        self, live: Callable[[Job, Any], Result], jobs: Sequence[Job], send: Send
    ) -> Iterator[Result]:
        """Yield the results as they come; the first failure stops what has not begun.

        Raises:
            TaskError: the life cannot be sent to another process.
            RunError: a process died, killed by the system perhaps.
        """
        if not jobs:
            return
        # Spawned rather than forked: torch's threads and CUDA do not survive a fork.
        context = multiprocessing.get_context("spawn")
        events: multiprocessing.Queue[tuple[str, Any]] = context.Queue()
        count = min(self.workers or os.cpu_count() or 1, len(jobs))
        # Whose they are is not our business: only workers of this pool may be killed below.
        others = set(multiprocessing.active_children())
        pool = ProcessPoolExecutor(count, context, initializer=_begin, initargs=(events,))
        try:
            pending = {pool.submit(_live, live, job) for job in jobs}
            while pending:
                # The timeout is for events: they are handed on
                # in this thread, while lives go on elsewhere.
                done, pending = wait(pending, timeout=0.1, return_when=FIRST_COMPLETED)
                _deliver(events, send)
                for future in done:
                    yield future.result()
        except BrokenProcessPool as error:
            raise RunError(
                "a process of the executor 'processes' died. In a script, put the call under "
                "`if __name__ == '__main__':`; otherwise it was killed, or out of memory. What was "
                "finished is kept: go on, perhaps with fewer processes, with `evoframe resume`, or "
                "with the same `evoframe compare`."
            ) from error
        except BaseException:
            # Lives in flight can be lived again: a person who interrupts is not made to wait.
            for worker in set(multiprocessing.active_children()) - others:
                worker.kill()
            raise
        finally:
            pool.shutdown(cancel_futures=True)
            _deliver(events, send)
            events.close()


_outbox: list[Any] = []  # one queue a worker process: how its lives reach the observers


def _begin(events: Any) -> None:
    """Prepare a worker process: events go home, and it dies with its parent, by no other signal."""
    # Ctrl-C and schedulers reach the whole group; the
    # parent alone decides what becomes of its workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    _outbox.append(events)
    parent = multiprocessing.parent_process()
    assert parent is not None

    def follow() -> None:
        wait_for_sentinels([parent.sentinel])
        # Not ``sys.exit``, which would end this thread alone.
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()


def _live(live: Callable[[Job, Any], Result], job: Job) -> Result:
    return live(job, lambda hook, event: _outbox[-1].put((hook, event)))


def _deliver(events: Any, send: Send) -> None:
    while True:
        try:
            hook, event = events.get_nowait()
        except queue.Empty:
            return
        send(hook, event)
