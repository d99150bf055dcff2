"""Worker processes: kept, renewed, given what is theirs, and never left behind."""

from __future__ import annotations

import os
import time
from pathlib import Path

import attrs
import pytest

from evoframe.errors import RunError, StrategyError
from evoframe.run.living.lives import at_work
from evoframe.strategies.executor import Processes, Serial, cores as counting, processes


def deaf(hook: str, event: object) -> None:
    """Nobody listens."""


def lived(job: int, send) -> tuple[int, int, str]:
    """Tell of oneself before and after, and where one was."""
    send("begun", job)
    send("over", job)
    return job, os.getpid(), os.environ.get("CUDA_VISIBLE_DEVICES", "")


def failed(job: int, send) -> int:
    """Raise, which kills nobody."""
    raise RunError(f"job {job} failed on purpose")


def died(job: str, send) -> None:
    """End as a process does that the system kills."""
    os._exit(3)


def is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.slow
def test_workers_are_kept_renewed_and_given_a_gpu_each() -> None:
    """Two at most, each with its GPU; each is another one after three lives."""
    executor, told = Processes(workers=2, max_lives=3, gpus=("0", "MIG-1")), []
    with executor.open() as opened:
        several = [
            list(opened.map(lived, range(count), lambda *event: told.append(event)))
            for count in (1, 4, 7, 0)
        ]

    assert [sorted(job for job, _, _ in results) for results in several] == [
        list(range(count)) for count in (1, 4, 7, 0)
    ]
    every = [result for results in several for result in results]
    processes = {process for _, process, _ in every}
    lives = [sum(process == one for _, process, _ in every) for one in processes]
    assert max(lives) <= 3
    assert len(processes) <= 5
    assert {gpu for _, _, gpu in every} == {"0", "MIG-1"}
    assert len({(process, gpu) for _, process, gpu in every}) == len(processes)
    assert not any(map(is_alive, processes))
    assert sorted(told) == sorted((hook, job) for job, _, _ in every for hook in ("begun", "over"))
    # A life tells of its end before its result is there, and not at the end of all.
    assert told.index(("over", every[0][0])) < told.index(("begun", every[-1][0]))
    assert "CUDA_VISIBLE_DEVICES" not in os.environ or os.environ["CUDA_VISIBLE_DEVICES"] != "0"


@pytest.mark.slow
def test_a_failure_leaves_a_worker_and_a_death_is_told() -> None:
    executor = Processes(workers=1)
    with executor.open():
        ((_, first, _),) = executor.map(lived, [1], deaf)
        with pytest.raises(RunError, match="failed on purpose") as raised:
            list(executor.map(failed, [1, 2], deaf))
        assert "in failed" in str(raised.value.__cause__)
        ((_, second, _),) = executor.map(lived, [1], deaf)
        with pytest.raises(RunError, match="a process of the executor 'processes' died"):
            list(executor.map(died, ["one", "two"], deaf))
        ((_, third, _),) = executor.map(lived, [1], deaf)

    assert first == second != third
    assert not is_alive(third)


@pytest.mark.slow
def test_who_is_at_work_is_killed_when_a_run_ends_early(tmp_path: Path) -> None:
    """However it ends: an interruption is not made to wait for lives."""
    mark = tmp_path / "here"

    def interrupt(hook: str, event: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), at_work(Processes(workers=1)) as executor:
        list(executor.map(told_and_waited, [str(mark)], interrupt))

    assert mark.exists()
    assert not is_alive(int(mark.read_text()))


def told_and_waited(job: str, send) -> None:
    """Tell of oneself, and wait for ever."""
    Path(job).write_text(str(os.getpid()))
    send("begun", job)
    time.sleep(600)


@attrs.frozen
class Keeping(Serial):
    """Counts how often it begins and ends, and would swallow what is raised."""

    name = "keeping"
    told: list = attrs.field(factory=list, eq=False)

    def open(self):
        return Context(self)


@attrs.frozen
class Context:
    executor: Keeping

    def __enter__(self):
        self.executor.told.append("begun")
        return self.executor

    def __exit__(self, kind, *_):
        self.executor.told.append(kind)
        return True


def test_an_executor_swallows_nothing_that_a_run_raises() -> None:
    """A run that fails is not taken for one that is over."""
    executor = Keeping()

    with pytest.raises(RunError, match="on purpose"), at_work(executor) as opened:
        list(opened.map(failed, [1], deaf))

    assert executor.told == ["begun", RunError]


def test_what_is_no_context_is_told() -> None:
    class Wrong(Serial):
        name = "wrong"

        def open(self):
            return 3

    with pytest.raises(StrategyError, match=r"'wrong'.*wanted a context manager"), at_work(Wrong()):
        pass


def test_an_executor_that_only_maps_goes_on_working() -> None:
    with at_work(Serial()) as executor:
        assert [job for job, _, _ in executor.map(lived, [2, 1], deaf)] == [2, 1]


@pytest.mark.parametrize(
    ("affinity", "quota", "due"),
    [(8, "max 100000", 8), (2, "max 100000", 2), (8, "300000 100000", 3), (2, "300000 100000", 2),
     (8, "50000 100000", 1), (8, None, 8)],
)  # fmt: skip
def test_as_many_processes_as_cores_may_be_used(
    affinity, quota, due, tmp_path, monkeypatch
) -> None:
    """A machine of 64 cores may lend two of them."""
    file = tmp_path / "cpu.max"
    if quota is not None:
        file.write_text(f"{quota}\n")
    monkeypatch.setattr(counting, "QUOTA", file)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: range(affinity), raising=False)
    assert counting.cores() == due
    with Processes().open():
        (workers,) = processes._OPEN.values()
        assert workers._most == due
