"""The worker: what a job does, and how it ends when nobody waits for it any more."""

from __future__ import annotations

import os
import pickle
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

import attrs

from evoframe.plugin import Outcome, RunError
from evoframe_submitit.mail import Sender

REQUEUED = 144
"""The exit code by which submitit's local jobs ask to begin again."""


@attrs.define
class Call:
    """A life, as submitit pickles and calls it.

    Attributes:
        packed: the pair of function and birth, pickled; unpickled where errors are told.
        path: where Python looks for modules in the driver.
        driver: the file that the driver touches as long as it lives.
        mail: the folder of events.
        name: of its files in there.
        patience: seconds without a touch after which the job ends; 0 for one in the driver itself.
        minutes: the time limit, for words.
    """

    packed: bytes
    path: tuple[str, ...]
    driver: Path
    mail: Path
    name: str
    patience: float
    minutes: int
    _leaving: bool = attrs.field(default=False, init=False)

    def __call__(self) -> Outcome:
        """Return what came of the life."""
        if self.patience:
            _watch(self.driver, self.patience)
        outcome = Outcome.of(self._lived)
        if self._leaving and outcome.error is not None:
            return self._left(outcome.error)
        return outcome

    def checkpoint(self) -> Any:
        """Return what is called when the job begins again: the same, which finds its checkpoint.

        Submitit calls it when a job is preempted or has no time left, and then ends the process.
        """
        self._leaving = True
        from submitit.core.utils import DelayedSubmission

        return DelayedSubmission(attrs.evolve(self))

    def _lived(self) -> Any:
        sys.path.extend(one for one in self.path if one not in sys.path)
        live, job = pickle.loads(self.packed)  # noqa: S301  of our own driver
        return live(job, Sender(self.mail, self.name))

    def _left(self, error: BaseException) -> Outcome:
        """End as submitit wishes, whatever a life has made of the exception that it raised."""
        cause: BaseException | None = error
        while cause is not None:
            if isinstance(cause, SystemExit):
                raise cause
            if type(cause).__name__ == "UncompletedJobError":
                told = RunError(
                    f"it ran into its time limit of {self.minutes} minutes too often: give "
                    "executor.minutes more, or executor.timeouts; what it has done up to its last "
                    "checkpoint is kept."
                )
                return Outcome(error=told, trace=str(cause))
            cause = cause.__cause__ or cause.__context__
        raise SystemExit(REQUEUED)


def _watch(driver: Path, patience: float) -> None:
    """End with the driver, and with the process that carries the job."""
    # Ctrl-C reaches the whole group; the driver alone decides what becomes of its jobs.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _sign_in(driver)
    threading.Thread(target=_follow, args=(driver, patience, os.getppid()), daemon=True).start()


def _sign_in(driver: Path) -> None:
    """Say who is at work, for a driver that comes after this one."""
    try:
        (driver.parent / "workers" / str(os.getpid())).touch()
    except FileNotFoundError:
        os._exit(1)


def _follow(driver: Path, patience: float, parent: int) -> None:
    seen, since = sign_of(driver), time.monotonic()
    while seen is not None and os.getppid() == parent and time.monotonic() - since < patience:
        time.sleep(min(patience / 8, 5.0))
        if (now := sign_of(driver)) != seen:
            seen, since = now, time.monotonic()
    # Not ``sys.exit``, which would end this thread alone.
    os._exit(1)


def sign_of(driver: Path) -> int | None:
    """Return what changes when the driver shows that it lives; None once it wants no more.

    Clocks of machines are not compared: the time of the file is a number that is another one.
    """
    try:
        # Opened, because a network file system looks at its server then.
        with driver.open("rb") as file:
            return os.fstat(file.fileno()).st_mtime_ns
    except FileNotFoundError:
        return None
    except OSError:
        return 0
