"""Executors: every life once, every event heard, no failure swallowed."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import attrs

from evoframe.errors import RunError
from evoframe.kernel.events import EpochFinished, Event
from evoframe.testing.catalogue import Stage, broken, in_words, law
from evoframe.testing.whole_runs import one_run

JOBS = (3, 1, 2)


@attrs.frozen(eq=False)
class Mapped:
    """What came of one call of ``map``."""

    results: list[Any]
    events: list[tuple[str, Event]]
    threads: set[int]


def lived(job: int, send: Any) -> int:
    """Tell of an epoch, and return the job's square."""
    send("evoframe_epoch_finished", EpochFinished(f"g2s{job}", job, 9, 0.5))
    return job * job


def failed(job: int, send: Any) -> int:  # noqa: ARG001  as lives are called
    """Raise, as a life does whose disk is full."""
    raise RunError(f"job {job} failed on purpose")


@law("executor")
def check_lives_every_job_once(executor: Any) -> None:
    """``map`` yields the result of every job, each once, in any order; nothing for no jobs."""
    mapped = _mapped(executor)
    # Sorted: executors may finish lives in any order. Jobs are out of order to begin with.
    if sorted(mapped.results) != sorted(job * job for job in JOBS):
        broken(f"for the jobs {JOBS} it yielded {mapped.results}; each squared was wanted, once")
    if results := list(executor.map(lived, (), _deaf)):
        broken(f"for no jobs it yielded {results}")


@law("executor")
def check_hands_on_every_event(executor: Any) -> None:
    """Every event that a life sends reaches ``send``, in the thread that iterates.

    Observers are told there, and need no locks.
    """
    mapped = _mapped(executor)
    found = sorted(event.epoch for _, event in mapped.events if isinstance(event, EpochFinished))
    if found != sorted(JOBS):
        broken(f"of the events of the jobs {JOBS}, those of {found} arrived")
    if mapped.threads != {threading.get_ident()}:
        broken("send was called in another thread than the one that iterates")


@law("executor")
def check_hands_on_failures(executor: Any) -> None:
    """What a life raises is raised by ``map``: a run must not go on as if it had been lived."""
    try:
        results = list(executor.map(failed, JOBS[:1], _deaf))
    except RunError:
        return
    except Exception as error:  # noqa: BLE001  the wrong exception is what is looked for
        broken(f"the life raised RunError, and {in_words(error)}")
    broken(f"the life raised RunError, and map yielded {results}")


@law("executor", stage=Stage.COMPANY)
def check_gives_the_run_of_serial(executor: Any) -> None:
    """A run has the same digest as with the executor ``serial``."""
    serial, other = one_run(), one_run(executor)
    if other.digest != serial.digest:
        broken(f"the run's digest is {other.digest}; with serial it is {serial.digest}")


@lru_cache(maxsize=8)
def _mapped(executor: Any) -> Mapped:
    mapped = Mapped([], [], set())

    def send(hook: str, event: Event) -> None:
        mapped.events.append((hook, event))
        mapped.threads.add(threading.get_ident())

    jobs: Sequence[int] = JOBS
    mapped.results.extend(executor.map(lived, jobs, send))
    return mapped


def _deaf(hook: str, event: Event) -> None:
    """Nobody listens."""
