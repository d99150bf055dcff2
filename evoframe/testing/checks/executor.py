"""Executors: every life once, every event heard, no failure swallowed."""

from __future__ import annotations

import os
import threading
from functools import lru_cache
from typing import Any

import attrs

from evoframe.errors import RunError
from evoframe.kernel.events import EpochFinished, Event
from evoframe.testing.catalogue import Stage, law
from evoframe.testing.trying import broken, in_words, is_deep
from evoframe.testing.whole_runs import one_run

JOBS = (3, 1, 2)

MANY = 40
"""Jobs of a large population."""


@attrs.frozen(eq=False)
class Mapped:
    """What came of one call of ``map``."""

    jobs: tuple[int, ...]
    results: list[Any]
    events: list[tuple[str, Event]]
    threads: set[int]


def lived(job: int, send: Any) -> tuple[int, int]:
    """Tell of an epoch, and return the job's square and the process that it was lived in."""
    send("evoframe_epoch_finished", EpochFinished(f"g2s{job}", job, 9, 0.5))
    return job * job, os.getpid()


def failed(job: int, send: Any) -> int:  # noqa: ARG001  as lives are called
    """Raise, as a life does whose disk is full."""
    raise RunError(f"job {job} failed on purpose")


@law("executor", stage=Stage.CALL)
def check_lives_every_job_once(executor: Any) -> None:
    """``map`` yields the result of every job, each once, in any order; nothing for no jobs.

    From none to forty jobs. Where lives are lived in other processes, some of these numbers.
    """
    for number in _numbers(executor):
        mapped = _mapped(executor, number)
        # Sorted: executors may finish lives in any order. Jobs are out of order to begin with.
        found, wanted = sorted(_squares(mapped)), sorted(job * job for job in mapped.jobs)
        if found != wanted:
            lost = [job for job in mapped.jobs if job * job not in found]
            told = f"lost {lost}" if lost else f"yielded {len(found)} results"
            broken(f"for {number} jobs {mapped.jobs[:9]} it {told}; each squared was wanted, once")


def _numbers(executor: Any) -> tuple[int, ...]:
    """Return numbers of jobs to try, from few to many."""
    here = {process for _, process in _results(_mapped(executor, len(JOBS)))} == {os.getpid()}
    # Other processes take seconds to start.
    return tuple(range(MANY + 1)) if here or is_deep() else (0, 1, len(JOBS), MANY)


def _results(mapped: Mapped) -> list[tuple[int, int]]:
    return [one for one in mapped.results if isinstance(one, tuple)]


def _squares(mapped: Mapped) -> list[int]:
    # What is no result at all counts as one that nobody wanted.
    return [one[0] if isinstance(one, tuple) else -1 for one in mapped.results]


@law("executor")
def check_hands_on_every_event(executor: Any) -> None:
    """Every event that a life sends reaches ``send``, in the thread that iterates.

    Observers are told there, and need no locks.
    """
    for number in (len(JOBS), MANY):
        mapped = _mapped(executor, number)
        told = [event.epoch for _, event in mapped.events if isinstance(event, EpochFinished)]
        if sorted(told) != sorted(mapped.jobs):
            broken(f"of the events of the jobs {mapped.jobs[:9]}, those of {sorted(told)} arrived")
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


@law("executor")
def check_serves_one_generation_after_another(executor: Any) -> None:
    """What ``open`` gives maps as often as it is asked, and can be opened for the next run.

    A run asks for a map once a generation; a comparison, and a run that is resumed, begin again.
    """
    for run in ("first", "second"):
        with executor.open() as opened:
            for jobs in (JOBS, (), JOBS[:2]):
                found = sorted(square for square, _ in opened.map(lived, jobs, _deaf))
                if found != (wanted := sorted(job * job for job in jobs)):
                    broken(f"in the {run} run it gave {found} for {jobs}; {wanted} was wanted")


@law("executor", stage=Stage.COMPANY)
def check_gives_the_run_of_serial(executor: Any) -> None:
    """A run has the same digest as with the executor ``serial``."""
    serial, other = one_run(like="executor"), one_run(executor)
    if other.digest != serial.digest:
        broken(f"the run's digest is {other.digest}; with serial it is {serial.digest}")


@lru_cache(maxsize=64)
def _mapped(executor: Any, number: int) -> Mapped:
    jobs = (*JOBS, *range(len(JOBS) + 1, number + 1))[:number]
    mapped = Mapped(jobs, [], [], set())

    def send(hook: str, event: Event) -> None:
        mapped.events.append((hook, event))
        mapped.threads.add(threading.get_ident())

    mapped.results.extend(executor.map(lived, jobs, send))
    return mapped


def _deaf(hook: str, event: Event) -> None:
    """Nobody listens."""
