"""Runs over a real Slurm of two nodes on this machine, which .ci/slurm has started."""

import os
import subprocess
from pathlib import Path

import pytest
from helpers import driver, in_their_midst, until, workers

import evoframe
from evoframe.plugin import ConfigError
from evoframe_submitit import Submitit

BASE = Path(os.environ.get("SLURM_CONF", "none")).parent

pytest.importorskip("submitit")
pytestmark = [
    pytest.mark.slurm,
    pytest.mark.slow,
    pytest.mark.skipif("SLURM_CONF" not in os.environ, reason="start one with .ci/slurm start"),
]


def asked(*command):
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)  # noqa: S603
    return done.stdout


def jobs(*states):
    """Return the ids of the jobs in some states, by node."""
    said = asked("squeue", "-h", "-r", f"--states={','.join(states)}", "-o", "%i %N")
    return dict(line.split() for line in said.splitlines() if len(line.split()) == 2)


def none_left():
    return not asked("squeue", "-h", "--states=PENDING,RUNNING").strip()


@pytest.fixture(autouse=True)
def cluster():
    """Two idle nodes before each test."""
    until(lambda: asked("sinfo", "-h", "-t", "idle", "-o", "%D").strip() == "2")


def ended_well(process, folder, expected):
    process.wait()
    assert process.returncode == 0, folder.with_suffix(".said").read_text()
    assert evoframe.open_run(folder).digest() == expected
    until(none_left)


def test_lives_of_a_generation_are_an_array_and_a_requeued_one_goes_on(expected, tmp_path):
    folder = tmp_path / "run"
    process = driver(folder, cluster="slurm")
    until(lambda: in_their_midst(folder))
    running = until(lambda: jobs("RUNNING"))
    assert all("_" in job for job in running)
    asked("scontrol", "requeue", min(running))

    ended_well(process, folder, expected)


def test_submitits_signal_requeues_a_job(expected, tmp_path):
    """As a partition does that has PreemptMode=REQUEUE: SIGTERM first, then submitit's signal."""
    folder = tmp_path / "run"
    process = driver(folder, cluster="slurm", tries=1)
    until(lambda: in_their_midst(folder))
    job = min(until(lambda: jobs("RUNNING")))
    asked("scancel", job, "--signal=TERM")
    asked("scancel", job, "--signal=USR2")

    ended_well(process, folder, expected)
    logs = "".join(one.read_text() for one in folder.glob("submitit/*/*_log.*"))
    assert "Calling checkpoint method" in logs
    assert "Requeued job" in logs


def test_a_killed_job_is_submitted_again(expected, tmp_path):
    folder = tmp_path / "run"
    process = driver(folder, cluster="slurm")
    until(lambda: in_their_midst(folder))
    asked("scancel", "--signal=KILL", "--full", min(until(lambda: jobs("RUNNING"))))

    ended_well(process, folder, expected)


def test_a_node_that_dies_takes_no_life_with_it(expected, tmp_path):
    """Its daemon and its jobs are killed; Slurm notices, and the life goes on elsewhere."""
    folder = tmp_path / "run"
    process = driver(folder, cluster="slurm")
    until(lambda: in_their_midst(folder))
    on_node = [job for job, node in until(lambda: jobs("RUNNING")).items() if node == "n2"]
    assert on_node
    asked("pkill", "-KILL", "-F", f"{BASE}/slurmd-n2.pid")
    for worker in workers(folder):
        content = Path(f"/proc/{worker}/environ").read_bytes()
        if b"SLURMD_NODENAME=n2" in content:
            os.kill(worker, 9)
    try:
        process.wait()
    finally:
        asked("slurmd", "-N", "n2")

    assert evoframe.open_run(folder).digest() == expected
    assert process.returncode == 0


def test_no_job_outlives_a_driver_that_is_killed(expected, tmp_path):
    folder = tmp_path / "run"
    process = driver(folder, cluster="slurm")
    until(lambda: in_their_midst(folder))
    process.kill()
    process.wait()
    until(none_left)

    evoframe.resume(folder)

    assert evoframe.open_run(folder).digest() == expected


def test_whoever_goes_on_cancels_what_is_left(expected, tmp_path):
    folder = tmp_path / "run"
    process = driver(folder, cluster="slurm", patience=600.0)
    until(lambda: in_their_midst(folder))
    process.kill()
    process.wait()
    left = {*jobs("RUNNING")}
    assert left

    evoframe.resume(folder)

    assert evoframe.open_run(folder).digest() == expected
    assert not left & {*jobs("COMPLETED")}


def test_sbatch_is_asked_before_anything_is_written():
    with pytest.raises(ConfigError, match=r"sbatch would refuse .*invalid partition"):
        Submitit(partition="nowhere").check(can_be_rebuilt=True)
    Submitit(partition="two", flags={"qos": "normal"}).check(can_be_rebuilt=True)
