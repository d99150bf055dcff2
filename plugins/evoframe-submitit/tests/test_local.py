"""Runs over processes of submitit's: the same as in one process, whoever is killed."""

import signal
from pathlib import Path

import attrs
import pytest
from helpers import driver, in_their_midst, kill, tables, until, workers

import evoframe
from evoframe.plugin import Observer, RunError, hookimpl
from evoframe_submitit import Submitit

pytest.importorskip("submitit")
pytestmark = pytest.mark.slow


@attrs.frozen(eq=False)
class Ear(Observer):
    """Hears epochs, and what is on record by then."""

    name = "ear"
    heard: list = attrs.field(factory=list, init=False)
    done: list = attrs.field(factory=list, init=False)

    @hookimpl
    def evoframe_epoch_finished(self, event):
        self.heard.append((event.individual, event.epoch, event.individual in self.done))

    @hookimpl
    def evoframe_individual_evaluated(self, event):
        self.done.append(event.individual.id)


def test_a_run_is_that_of_serial_and_is_heard_live(expected, tmp_path):
    ear = Ear()

    run = evoframe.evolve(recipe=tables(cluster="local"), observer=[ear], out=tmp_path / "run")

    assert run.digest() == expected
    lives = {"g2s0", "g2s1"}
    for life in lives:
        told = [(epoch, late) for one, epoch, late in ear.heard if one == life]
        assert told == [(epoch, False) for epoch in range(1, told[-1][0] + 1)]
    # Two lives of a generation were told of side by side, so neither waited for its end.
    changes = sum(a[0] != b[0] for a, b in zip(ear.heard, ear.heard[1:], strict=False))
    assert changes > len(lives)
    assert not [*(tmp_path / "run").glob("submitit/*/*.pkl")]
    assert [*(tmp_path / "run").glob("submitit/*/*_log.err")]
    assert not [*(tmp_path / "run").glob("away.sqlite*")]


def test_a_killed_job_is_submitted_again_and_goes_on_from_its_checkpoint(expected, tmp_path):
    folder = tmp_path / "run"
    process = driver(folder, cluster="local")
    until(lambda: in_their_midst(folder))
    for worker in workers(folder):
        kill(worker)
    process.wait()

    assert process.returncode == 0
    run = evoframe.open_run(folder)
    assert run.digest() == expected
    logs = [*folder.glob("submitit/*/*_log.out")]
    assert len(logs) > len(["g2s0", "g2s1"])


def test_a_life_that_is_lost_too_often_is_told_by_name(expected, tmp_path):
    folder = tmp_path / "run"
    process = driver(folder, cluster="local", tries=1)
    until(lambda: in_their_midst(folder))
    kill(min(workers(folder)))
    process.wait()
    said = folder.with_suffix(".said").read_text()

    assert process.returncode == 2
    assert "Traceback" not in said
    (line,) = [one for one in said.splitlines() if "was lost 1 times" in one]
    assert "the job of g2s" in line
    assert f"evoframe resume {folder}" in line
    assert not workers(folder)
    evoframe.resume(folder)
    assert evoframe.open_run(folder).digest() == expected


def test_jobs_end_with_a_driver_that_is_killed_and_it_goes_on(expected, tmp_path):
    folder = tmp_path / "run"
    process = driver(folder, cluster="local")
    until(lambda: in_their_midst(folder))
    assert workers(folder)
    process.kill()
    process.wait()
    until(lambda: not workers(folder), 30)

    evoframe.resume(folder)

    assert evoframe.open_run(folder).digest() == expected


def test_whoever_goes_on_at_once_ends_the_jobs_that_are_left(expected, tmp_path):
    """No worker of a driver that is gone goes on beside those of the next."""
    folder = tmp_path / "run"
    process = driver(folder, cluster="local", patience=600.0)
    until(lambda: in_their_midst(folder))
    left = workers(folder)
    process.kill()
    process.wait()
    assert left <= workers(folder)

    again = driver(folder, "resume")
    until(lambda: workers(folder) - left or again.poll() is not None)

    assert not left & workers(folder)
    again.wait()
    assert evoframe.open_run(folder).digest() == expected


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_driver_leaves_nobody_behind(how, expected, tmp_path):
    folder = tmp_path / "run"
    process = driver(folder, cluster="local")
    until(lambda: in_their_midst(folder))
    kill(process.pid, how)
    process.wait()

    assert process.returncode not in (0, None)
    assert not workers(folder)
    evoframe.resume(folder)
    assert evoframe.open_run(folder).digest() == expected


def test_a_preempted_job_begins_again_from_its_checkpoint(expected, tmp_path):
    """As Slurm does it: submitit's signal, then the same job once more."""
    folder = tmp_path / "run"
    process = driver(folder, cluster="local", tries=1)
    until(lambda: in_their_midst(folder))
    for worker in workers(folder):
        kill(worker, signal.SIGUSR2)
    process.wait()

    assert process.returncode == 0
    assert evoframe.open_run(folder).digest() == expected
    logs = "".join(Path(one).read_text() for one in folder.glob("submitit/*/*_log.*"))
    assert "Calling checkpoint method" in logs


def failed(job, send):
    raise RunError(f"job {job} failed on purpose")


def test_a_failure_comes_home_with_its_traceback():
    with pytest.raises(RunError, match="failed on purpose") as raised:
        list(Submitit(cluster="local", poll=0.05).map(failed, [1], lambda *_: None))

    assert "in failed" in str(raised.value.__cause__)
