"""Processes: lives are lived several at once, in processes of their own.

The processes are kept as long as the run goes on, so that each imports what it needs and surveys
the ancestor once. None takes a life before it is free.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

import attrs

from evoframe.errors import RunError, TaskError
from evoframe.roles import Executor, doc
from evoframe.roles.executor import Job, Result, Send
from evoframe.strategies.executor.cores import cores
from evoframe.strategies.executor.workers import DiedError, Workers

MOST = 1024
"""More processes than that on one machine are a slip of the pen."""

_OPEN: dict[tuple[Processes, int], Workers] = {}
"""Whose workers are kept now, by thread. A comparison keeps them for all of its runs."""


@attrs.frozen
class Processes(Executor):
    """Runs several lives in parallel, in separate processes."""

    name: ClassVar[str] = "processes"

    workers: int = attrs.field(
        default=0,
        validator=[attrs.validators.ge(0), attrs.validators.le(MOST)],
        metadata=doc("number of processes; 0: one per CPU core that may be used here"),
    )
    max_lives: int = attrs.field(
        default=0,
        validator=attrs.validators.ge(0),
        metadata=doc(
            "number of lives after which a process is replaced, which frees leaked memory; 0: never"
        ),
    )
    gpus: tuple[str, ...] = attrs.field(
        default=(),
        metadata=doc(
            "GPUs assigned to the processes in turn, in the notation of "
            "CUDA_VISIBLE_DEVICES; requires run.device = 'cuda'"
        ),
    )

    def check(self, *, can_be_rebuilt: bool) -> None:
        """Refuse strategies that other processes could not make again."""
        if not can_be_rebuilt:
            raise TaskError(
                "the executor 'processes' must rebuild the task in other processes, and a strategy "
                "of this recipe exists only in this Python session. Put it in a file and name it "
                "as --task file.py:Name, or use the executor 'serial'."
            )

    @contextmanager
    def open(self) -> Iterator[Processes]:
        """Keep the processes until the end of the block, from one call of ``map`` to the next."""
        key = self, threading.get_ident()
        if key in _OPEN:
            yield self
            return
        seats = [{"CUDA_VISIBLE_DEVICES": gpu} for gpu in self.gpus]
        _OPEN[key] = Workers(self.workers or cores(), self.max_lives, seats)
        try:
            yield self
        finally:
            _OPEN.pop(key).close()

    def map(
        self, live: Callable[[Job, Any], Result], jobs: Sequence[Job], send: Send
    ) -> Iterator[Result]:
        """Yield the results as they come; the first failure stops what has not begun.

        Raises:
            TaskError: the life cannot be sent to another process.
            RunError: a process died, killed by the system perhaps.
        """
        with self.open():
            try:
                yield from _OPEN[self, threading.get_ident()].map(live, jobs, send)
            except DiedError as error:
                raise RunError(
                    "a process of the executor 'processes' died. In a script, put the call under "
                    "`if __name__ == '__main__':`; otherwise it was killed, or out of "
                    "memory. Finished "
                    "work is kept. Continue, perhaps with fewer processes, with `evoframe "
                    "resume`, or with the same `evoframe compare`."
                ) from error
