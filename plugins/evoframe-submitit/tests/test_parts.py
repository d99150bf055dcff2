"""The parts, each by itself: options, mail, the watch over the driver. Most need no submitit."""

import os
import pickle
import subprocess
import sys
import time

import pytest
from helpers import TABLES, tables

import evoframe
from evoframe.plugin import ConfigError, TaskError
from evoframe.registry import load_registry
from evoframe_submitit import Submitit, library
from evoframe_submitit.mail import LENGTH, Reader, Sender
from evoframe_submitit.session import DRIVER, Session


def has_submitit():
    try:
        library.needed()
    except ConfigError:
        return False
    return True


needs_submitit = pytest.mark.skipif(not has_submitit(), reason="needs submitit")


def test_it_is_offered_without_submitit_and_says_how_to_get_it(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "submitit", None)

    with pytest.raises(ConfigError, match=r"pip install evoframe-submitit\[submitit\]"):
        evoframe.evolve(recipe=tables(cluster="local"), out=tmp_path / "run")
    assert not (tmp_path / "run").exists()
    assert any(offer.name == "submitit" for offer in load_registry().offers)


@needs_submitit
@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"cluster": "pbs"}, "pbs"),
        ({"minutes": 0}, "minutes"),
        ({"folder": "../elsewhere"}, "wanted a name within the folder of the run"),
        ({"flags": {"job_name": "mine"}}, "job-name, which the executor 'submitit' sets itself"),
        ({"cluster": "slurm"}, "Could not detect|sbatch would refuse"),
    ],
)
def test_bad_options_are_one_line_and_nothing_is_written(options, words, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(evoframe.EvoframeError, match=words) as raised:
        evoframe.evolve(recipe={**TABLES, "executor": {"use": "submitit", **options}},
                        out=tmp_path / "run")  # fmt: skip

    assert "\n" not in str(raised.value)
    assert not (tmp_path / "run").exists()


def test_what_lives_in_a_session_of_python_alone_is_refused():
    with pytest.raises(TaskError, match="exists only in this Python session"):
        Submitit(cluster="local").check(can_be_rebuilt=False)


@needs_submitit
def test_options_are_what_submitit_is_told():
    options = Submitit(cpus=3, gpus=2, memory=1.5, partition="a100", setup=("module load cuda",),
                       flags={"qos": "low", "exclusive": "true"})  # fmt: skip

    said = library.parameters(options, "name")

    assert (said["cpus_per_task"], said["gpus_per_node"], said["mem_gb"]) == (3, 2, 1.5)
    assert said["slurm_setup"] == ["module load cuda"]
    flags = said["slurm_additional_parameters"]
    assert flags == {"requeue": True, "qos": "low", "exclusive": True}


def test_events_are_read_as_they_come_and_once(tmp_path):
    """Half an event waits for its other half; a job that begins anew has a file of its own."""
    reader, first = Reader(tmp_path, "0.1"), Sender(tmp_path, "0.1")

    def new():
        return [*reader.new(frozenset(one.name for one in tmp_path.iterdir()))]

    assert new() == []
    first("hook", 1)
    first("hook", 2)
    assert new() == [("hook", 1), ("hook", 2)]
    whole = pickle.dumps(("hook", 3))
    with (tmp_path / "0.1.0").open("ab") as file:
        file.write(LENGTH.pack(len(whole)) + whole[:5])
    assert new() == []
    second = Sender(tmp_path, "0.1")
    second("hook", 4)
    assert new() == [("hook", 4)]
    assert new() == []


WATCHED = """
import sys, time
from pathlib import Path
from evoframe_submitit.worker import _watch
_watch(Path(sys.argv[1]), float(sys.argv[2]))
print("watching", flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("how", ["silent", "gone"])
def test_a_worker_ends_when_its_driver_does(how, tmp_path):
    (tmp_path / "workers").mkdir()
    driver = tmp_path / DRIVER
    driver.touch()
    command = [sys.executable, "-c", WATCHED, str(driver), "1.5" if how == "silent" else "30"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as worker:  # noqa: S603
        worker.stdout.readline()
        if how == "gone":
            driver.unlink()
        else:  # as long as the driver shows itself, it stays
            for number in range(12):
                os.utime(driver, ns=(number, number))
                time.sleep(0.25)
            assert worker.poll() is None
        assert worker.wait(20) == 1


def test_a_session_ends_those_before_it(tmp_path):
    left = tmp_path / "submitit" / "0123"
    (left / "workers").mkdir(parents=True)
    (left / DRIVER).write_text("local")

    with Session.begun(tmp_path, Submitit(cluster="local")) as session:
        assert not (left / DRIVER).exists()
        assert session.driver.read_text() == "local"
    assert not session.driver.exists()
