"""A session: the folder of the jobs of one generation, and the sign that their driver lives."""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from evoframe_submitit import library

if TYPE_CHECKING:
    from evoframe_submitit.executor import Submitit

DRIVER, WORKERS, MAIL = "driver", "workers", "mail"
"""Files and folders of a session: the driver's sign, who was at work, events."""

LONGEST = 60.0
"""Seconds for which jobs are waited for that were told to end."""


@attrs.frozen
class Session:
    """The jobs of one call of ``map``.

    Attributes:
        path: their folder.
        cluster: where they are.
        run: the folder of the run; None for what is no run.
    """

    path: Path
    cluster: str
    run: Path | None

    @classmethod
    @contextmanager
    def begun(cls, run: Path | None, options: Submitit) -> Iterator[Session]:
        """Begin a session once the jobs of earlier ones have ended; they end with the block."""
        token = secrets.token_hex(4)
        if run is None:
            home = Path(tempfile.mkdtemp(prefix="evoframe-submitit-"))
        else:
            home = run / options.folder
            for sign in sorted(home.glob(f"*/{DRIVER}")):
                with suppress(FileNotFoundError):
                    cls(sign.parent, sign.read_text("utf-8"), run).end()
        session = cls(home / token, options.cluster, run)
        for folder in (WORKERS, MAIL):
            (session.path / folder).mkdir(parents=True)
        try:
            with session._beating(options.patience / 4):
                yield session
        except BaseException:  # somebody may be at work whom nobody waits for any more
            session.end()
            raise
        finally:
            session.driver.unlink(missing_ok=True)
            shutil.rmtree(session.path / WORKERS, ignore_errors=True)
            shutil.rmtree(session.path / MAIL, ignore_errors=True)
            if run is None:
                shutil.rmtree(home, ignore_errors=True)

    @property
    def driver(self) -> Path:
        """The file that is touched as long as the driver lives; jobs end when it is gone."""
        return self.path / DRIVER

    @property
    def mail(self) -> Path:
        """The folder of events."""
        return self.path / MAIL

    @property
    def name(self) -> str:
        """The name of the jobs, which no other session has."""
        return f"evoframe-{self.path.name}"

    def states(self) -> dict[str, tuple[str, str, str]] | None:
        """Return state, reason and nodes of the jobs that Slurm knows; None if it does not answer.

        Slurm forgets jobs some minutes after their end.
        """
        said = library.asked(
            "squeue", "--noheader", "--array", "--states=all", f"--name={self.name}",
            "--format=%i|%T|%r|%N",
        )  # fmt: skip
        if said is None:
            return None
        rows = [line.strip().split("|") for line in said.splitlines() if line.count("|") == 3]
        return {job: (state, reason, nodes) for job, state, reason, nodes in rows}

    def end(self) -> None:
        """End all jobs that are left, and wait until they have."""
        self.driver.unlink(missing_ok=True)
        if self.cluster == "slurm" and self._are_at_work():
            library.asked("scancel", f"--name={self.name}")
        until = time.monotonic() + LONGEST
        while self._are_at_work() and time.monotonic() < until:
            time.sleep(0.1 if self.cluster == "local" else 0.5)

    def _are_at_work(self) -> bool:
        if self.cluster == "slurm":
            ended = ("COMPLETED", "CANCELLED", "FAILED", "TIMEOUT", "NODE_FAIL", "COMPLETING")
            states = self.states() or {}
            return any(state not in (*ended, "OUT_OF_MEMORY") for state, _, _ in states.values())
        return self.cluster == "local" and bool(self.workers())

    def workers(self) -> list[int]:
        """Return the processes of this machine that have signed in and are there."""
        found = [int(sign.name) for sign in (self.path / WORKERS).glob("*")]
        return [process for process in found if is_alive(process)]

    @contextmanager
    def _beating(self, seconds: float) -> Iterator[None]:
        over = threading.Event()
        self.driver.write_text(self.cluster, "utf-8")

        def beat() -> None:
            while not over.wait(min(seconds, 5.0)):
                with suppress(OSError):  # a disk that is full now may not be so soon
                    os.utime(self.driver)

        thread = threading.Thread(target=beat, daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()


def is_alive(process: int) -> bool:
    """Tell whether a process of this machine goes on; one that only waits to be buried does not."""
    try:
        state = Path(f"/proc/{process}/stat").read_text("utf-8").rpartition(")")[2].split()[0]
    except OSError:
        if Path("/proc/self/stat").exists():
            return False
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return False
        return True
    return state != "Z"
