"""Jobs: lives are submitted, heard and brought home; who is lost is submitted again."""

from __future__ import annotations

import os
import pickle
import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from evoframe.plugin import RunError, Send, cores
from evoframe_submitit import library
from evoframe_submitit.mail import Reader
from evoframe_submitit.session import LONGEST, Session
from evoframe_submitit.worker import Call

if TYPE_CHECKING:
    from evoframe_submitit.executor import Submitit

ARRAY = 1000
"""Jobs of an array; Slurm takes 1001 if nobody said otherwise."""

SETTLED = 15.0
"""Seconds after which the result of a job that has ended is there, on every file system."""

HELD = ("JobHoldMaxRequeue", "launch_failed_requeued_held")
"""Reasons for which Slurm keeps a job that will not begin again by itself."""

UNDER_WAY = (
    "PENDING", "RUNNING", "REQUEUED", "COMPLETING", "CONFIGURING", "SUSPENDED", "STOPPED",
    "RESIZING", "SIGNALING", "STAGE_OUT",
)  # fmt: skip
"""States of Slurm after which a result may still come."""


@attrs.define(eq=False)
class Life:
    """One life that is due.

    Attributes:
        number: which it is.
        birth: what it is lived of.
        job: the last that was submitted for it, as submitit knows it.
        tries: how often it was submitted.
        readers: of the events of its jobs.
        ended: when its job was found to have ended, and in which state.
    """

    number: int
    birth: Any
    job: Any = None
    tries: int = 0
    readers: list[Reader] = attrs.field(factory=list)
    ended: tuple[float, str] | None = None

    @property
    def whose(self) -> str:
        """Whose life it is, in words."""
        return str(getattr(self.birth, "id", f"job {self.number}"))


class Jobs:
    """The lives of one generation, as jobs."""

    def __init__(
        self, options: Submitit, session: Session, live: Callable[[Any, Any], Any], send: Send
    ) -> None:
        self._options, self._session, self._live, self._send = options, session, live, send
        self._executor = library.made(options, session.path, session.name)
        self._at_work: list[Life] = []
        self._looks = 0

    def lived(self, births: Sequence[Any]) -> Iterator[Any]:
        """Yield the result of every life.

        Raises:
            RunError: a job cannot be submitted, or was lost too often.
        """
        waiting = deque(Life(number, birth) for number, birth in enumerate(births))
        try:
            while waiting or self._at_work:
                self._submit(waiting)
                if not self._look():
                    time.sleep(self._options.poll)
                for life in [*self._at_work]:
                    if self._is_home(life):
                        yield self._result(life)
                    elif self._is_lost(life):
                        self._give_up_or_again(life, waiting)
        finally:
            self._leave()

    def _most(self) -> int:
        if self._options.most or self._options.cluster == "slurm":
            return self._options.most or len(self._at_work) + ARRAY
        return cores()

    def _submit(self, waiting: deque[Life]) -> None:
        """Submit whoever is due and has a place, as one array."""
        free = min(len(waiting), self._most() - len(self._at_work), ARRAY)
        if free < 1:
            return
        lives = [waiting.popleft() for _ in range(free)]
        for life in lives:
            life.tries, life.ended = life.tries + 1, None
            life.readers.append(Reader(self._session.mail, f"{life.number}.{life.tries}"))
        jobs = library.submitted(self._executor, [self._call(life) for life in lives])
        for life, job in zip(lives, jobs, strict=True):
            life.job = job
        self._at_work += lives

    def _call(self, life: Life) -> Call:
        session, options = self._session, self._options
        return Call(
            packed=pickle.dumps((self._live, life.birth)),
            path=tuple(str(Path(one).absolute()) for one in sys.path),
            driver=session.driver,
            mail=session.mail,
            name=life.readers[-1].name,
            patience=0.0 if options.cluster == "debug" else options.patience,
            minutes=options.minutes,
        )

    def _look(self) -> bool:
        """Hear what is new, and ask who has ended; tell whether something has happened."""
        self._looks += 1
        folder = self._session.path
        with suppress(OSError):  # makes network file systems look at their server
            folder.chmod(folder.stat().st_mode)
        heard = self._hear(self._at_work)
        if self._options.cluster == "slurm":
            if self._looks % 10 == 0:
                self._ask()
            return heard
        for life in self._at_work:
            if life.ended is None and life.job.done():
                life.ended = time.monotonic(), "its process has ended"
        return heard or any(life.ended for life in self._at_work)

    def _hear(self, lives: Sequence[Life]) -> bool:
        there = frozenset(file.name for file in self._session.mail.iterdir())
        count = 0
        for life in lives:
            for reader in life.readers:
                for hook, event in reader.new(there):
                    self._send(hook, event)
                    count += 1
        return count > 0

    def _ask(self) -> None:
        states = self._session.states()
        if states is None:
            return
        for life in self._at_work:
            state, reason, nodes = states.get(life.job.job_id, ("GONE", "", ""))
            if state in UNDER_WAY and reason not in HELD:
                life.ended = None
            elif life.ended is None:
                told = reason if state in UNDER_WAY else state
                life.ended = time.monotonic(), f"{told} on {nodes}" if nodes else told

    def _is_home(self, life: Life) -> bool:
        if self._options.cluster == "debug":
            return True
        return bool(life.job.paths.result_pickle.exists())

    def _is_lost(self, life: Life) -> bool:
        if life.ended is None or self._is_home(life):
            return False
        patience = SETTLED if self._options.cluster == "slurm" else 0.0
        return time.monotonic() - life.ended[0] >= patience

    def _result(self, life: Life) -> Any:
        """Return the result of a life, after all of its events.

        Raises:
            RunError: the job failed outside of it.
        """
        if self._options.cluster == "debug":
            outcome = life.job.results()[0]
        else:
            kind, outcome = pickle.loads(life.job.paths.result_pickle.read_bytes())  # noqa: S301
            if kind != "success":
                said = " ".join(outcome.strip().splitlines()[-1:])[:300]
                raise RunError(
                    f"the job {life.job.job_id} of {life.whose} failed outside of its life: "
                    f"{said}. {self._what_now(life)}"
                )
            for file in (life.job.paths.result_pickle, life.job.paths.submitted_pickle):
                file.unlink(missing_ok=True)
        self._hear([life])  # and nobody else: a thousand lives would open a million files
        self._at_work.remove(life)
        return outcome.get()

    def _give_up_or_again(self, life: Life, waiting: deque[Life]) -> None:
        """Submit a life again whose job is lost.

        Raises:
            RunError: it was submitted often enough.
        """
        assert life.ended is not None
        self._at_work.remove(life)
        with suppress(Exception):  # one that is held would begin again when somebody lets it
            life.job.cancel(check=False)
        if life.tries >= self._options.tries:
            raise RunError(
                f"the job of {life.whose} was lost {life.tries} times, at last "
                f"{life.job.job_id} ({life.ended[1]}): it ended without a result, as a process "
                f"does that is killed or whose node is gone. {self._what_now(life)}"
            )
        waiting.appendleft(life)

    def _what_now(self, life: Life) -> str:
        resume = "evoframe resume" if self._session.run is None else (
            f"evoframe resume {self._session.run}"
        )  # fmt: skip
        return (
            f"Its log is {life.job.paths.stderr}. What was finished is kept, and this life up to "
            f"its last checkpoint; continue with `{resume}`."
        )

    def _leave(self) -> None:
        """End the processes of this machine that are left; jobs of Slurm end with the session."""
        self._session.driver.unlink(missing_ok=True)
        if self._options.cluster != "local" or not self._at_work:
            return
        # Not by ``cancel()``: submitit's processes would print how they were interrupted. Whoever
        # has not signed in yet ends when it does.
        for life in self._at_work:
            if not life.job.done():
                os.kill(int(life.job.job_id), signal.SIGKILL)
        for worker in self._session.workers():
            with suppress(ProcessLookupError):
                os.kill(worker, signal.SIGKILL)
        until = time.monotonic() + LONGEST
        while not all(life.job.done() for life in self._at_work) and time.monotonic() < until:
            time.sleep(0.02)
