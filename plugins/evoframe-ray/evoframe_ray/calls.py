"""Calls: tasks that are handed out, heard, and handed out again where a worker or node has died.

Each task is a stream: its events, then what came of it. Ray could begin a broken stream again by
itself, but takes the second time for the same as the first; a life that goes on from its checkpoint
tells of fewer epochs. So it is done here.
"""

from __future__ import annotations

import logging
import pickle
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any

import attrs

from evoframe.plugin import Outcome, RunError
from evoframe_ray import cluster
from evoframe_ray.room import Room

LOG = logging.getLogger(__name__)

AHEAD = 1000
"""How many tasks Ray is given at a time. What waits there costs a look at every event."""

QUIET = 2.0
"""Seconds without an event after which it is asked whether there is a node for anybody."""


@attrs.frozen
class Call:
    """A job that is handed out.

    Attributes:
        packed: the function with the job.
        whose: the job in words.
        tries: how often it was begun, this time included.
    """

    packed: bytes
    whose: str
    tries: int = 1


@attrs.frozen(eq=False)
class Calls:
    """Hands out jobs as tasks.

    Attributes:
        task: of Ray, a stream.
        tries: how often a job is begun at most.
        room: knows whether any node can take it.
    """

    task: Any
    tries: int
    room: Room
    _streams: dict[Any, Call] = attrs.field(factory=dict, init=False)

    def map(
        self, function: Callable[[Any, Any], Any], jobs: Sequence[Any], send: Callable[..., None]
    ) -> Iterator[Any]:
        """Yield what comes of ``function(job, send)`` for each job, as soon as it is there.

        Nobody is left at work if it ends early: workers that are busy then are killed.

        Raises:
            RunError: a job was lost too often, or nobody can take it.
            BaseException: whatever a call raised.
        """
        waiting = deque(jobs)
        try:
            while self._hand_out(function, waiting):
                yield from self._heard(send)
        finally:
            self._cancel()

    def _hand_out(self, function: Any, waiting: deque[Any]) -> bool:
        while waiting and len(self._streams) < AHEAD:
            job = waiting.popleft()
            whose = str(getattr(job, "id", f"job {job!r:.50}"))
            self._give(Call(pickle.dumps((function, job)), whose))
        return bool(self._streams)

    def _give(self, call: Call) -> None:
        self._streams[self.task.remote(call.packed)] = call

    def _heard(self, send: Callable[..., None]) -> Iterator[Any]:
        """Yield a result, if that is the next that comes."""
        ready, _ = cluster.needed().wait(list(self._streams), num_returns=1, timeout=QUIET)
        if not ready:
            self.room.is_there()
            return
        stream = ready[0]
        call = self._streams.pop(stream)
        answer = self._answer(stream, call)
        if answer is None:
            return
        if isinstance(answer, Outcome):
            yield answer.get()
            return
        self._streams[stream] = call  # now the last, so that everybody is heard in turn
        send(*answer)

    def _answer(self, stream: Any, call: Call) -> tuple[str, Any] | Outcome | None:
        """Return the next event of a stream, or its outcome.

        None if it broke off, and the job was handed out again.

        Raises:
            RunError: it was lost too often, or could not be begun there.
        """
        ray = cluster.needed()
        try:
            packed = ray.get(next(stream))
        except ray.exceptions.RayTaskError as error:
            raise RunError(
                f"{call.whose} cannot be lived on a node of the executor 'ray': {_reason(error)}. "
                "Wanted there: the same Python, evoframe, plugins and files, at the same paths. "
                "Finished work is kept; continue with `evoframe resume`."
            ) from error
        except (StopIteration, ray.exceptions.RayError) as error:
            self._lost(call, error)
            return None
        return pickle.loads(packed)  # type: ignore[no-any-return]  # noqa: S301  of our own worker

    def _lost(self, call: Call, error: Exception) -> None:
        """Hand out a job again whose worker is gone.

        Raises:
            RunError: it was lost too often.
        """
        reason = _reason(error)
        if call.tries >= self.tries:
            raise RunError(
                f"{call.whose} was lost {call.tries} times on nodes of the executor 'ray', the "
                f"last time so: {reason}. Was its process killed, or out of memory? What was "
                "finished is kept; continue with `evoframe resume`, or with the same `evoframe "
                "compare`; `--change executor.tries=N` allows for more."
            ) from error
        LOG.warning(
            "%s was lost on a node (%s), and is lived again from its last checkpoint: try %d of %d",
            call.whose, reason, call.tries + 1, self.tries,
        )  # fmt: skip
        self._give(attrs.evolve(call, tries=call.tries + 1))

    def _cancel(self) -> None:
        """Kill who is at work, and let nobody begin."""
        ray = cluster.needed()
        for stream in self._streams:
            with suppress(ray.exceptions.RayError, ValueError, RuntimeError):
                ray.cancel(stream, force=True)
        self._streams.clear()


def _reason(error: Exception) -> str:
    """Return the first sentence of what Ray says; of a traceback, the last line."""
    lines = str(error).strip().splitlines() or [""]
    line = lines[-1] if "Traceback" in str(error) else lines[0]
    sentence = " ".join(line.split()).split(". ")[0].rstrip(".")
    return f"{type(error).__name__}: {sentence}".rstrip(": ")
