"""Lives on a real cluster of two nodes, of which workers, nodes and the driver are killed."""

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner

import evoframe
from evoframe.cli import main
from evoframe.errors import RunError
from evoframe.testing import conformance
from evoframe_ray import Ray

LIVES = Path(__file__).with_name("lives.py")
NODE = {"num_cpus": 1, "object_store_memory": 80 * 2**20}
OPTIONS = ["training.epochs=4", "run.checkpoint=0", "task.width=8", "environment[0].retention=0.9"]

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
try:
    from ray.cluster_utils import Cluster
except ImportError:
    Cluster = None


@pytest.fixture(scope="module")
def cluster():
    """A cluster of two nodes with a core each, one of them with what is taken for a GPU."""
    if Cluster is None:
        pytest.skip("needs ray")
    here = Cluster(initialize_head=True, head_node_args={**NODE, "include_dashboard": False})
    here.add_node(**NODE, num_gpus=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_ADDRESS", here.address)
        yield here
    here.shutdown()


@pytest.fixture
def marks(tmp_path):
    folder = tmp_path / "marks"
    folder.mkdir()
    return folder


def evolved(out, marks, executor, *given, **more):
    """Return a run of two generations of two lives, each of which takes most of a second."""
    settings = {"task": f"{LIVES}:Marking", "generations": 2, "population": 2, "seed": 3}
    nap = 0.0 if executor == "serial" else 0.06
    options = [
        f"task.marks={marks}", f"task.nap={nap}", f"task.spared={os.getpid()}",
        f"observer[0].to={out}.heard",
    ]  # fmt: skip
    return evoframe.evolve(
        out=out, executor=executor, observer=[f"{LIVES}:Heard"], training="gradient",
        options=[*OPTIONS, *options, *given], **{**settings, **more},
    )  # fmt: skip


def heard(out):
    """Return the epochs that were told of, each with whose it was."""
    file = Path(f"{out}.heard")
    lines = file.read_text().splitlines() if file.exists() else []
    return [(who, int(epoch)) for who, epoch in map(str.split, lines)]


@contextmanager
def meanwhile(condition, then):
    """Do something as soon as a condition holds, while a block runs."""
    done = []

    def wait():
        until(condition)
        then()
        done.append(True)

    thread = threading.Thread(target=wait)
    thread.start()
    yield
    thread.join()
    assert done


def workers(marks):
    """Return the processes, other than this one, in which anybody was trained."""
    return {int(one.name) for one in marks.iterdir()} - {os.getpid()}


def is_alive(process):
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def until(condition, seconds=60.0):
    """Wait for what must come; a test that waits in vain fails."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def deaf(hook, event):
    """Nobody listens."""


def place(job, send):
    """Say where a life was lived, and with which GPU."""
    import ray

    time.sleep(0.5)
    node = ray.get_runtime_context().get_node_id()
    return node, os.environ.get("CUDA_VISIBLE_DEVICES", ""), os.getpid()


test_conformance = pytest.mark.usefixtures("cluster")(conformance(Ray(cpus=0.5)))


def test_a_run_on_two_nodes_is_the_run_of_serial(cluster, marks, tmp_path):
    """And every epoch of every life is heard, in order, one life beside the other."""
    serial = evolved(tmp_path / "serial", marks, "serial")
    # This process has left its mark above; on the nodes nobody goes on before the other is there.
    run = evolved(tmp_path / "ray", marks, Ray(), "task.company=3")

    assert run.digest() == serial.digest()
    assert len(workers(marks)) == 2
    told = heard(tmp_path / "ray")
    assert sorted(told) == sorted(heard(tmp_path / "serial"))
    for one in {who for who, _ in told}:
        assert [epoch for who, epoch in told if who == one] == [1, 2, 3, 4]
    first = [who for who, _ in told if who.startswith("g2")]
    assert first != sorted(first)  # heard as they came, not at the end of each life
    until(lambda: not any(map(is_alive, workers(marks))))


def test_rungs_are_lived_on_nodes_too(cluster, marks, tmp_path):
    serial, run = (
        evolved(tmp_path / str(executor), marks, executor, selection=f"{LIVES}:Steps")
        for executor in ("serial", Ray())
    )

    assert run.digest() == serial.digest()
    assert sum(one.overtaken is not None for one in run.individuals) >= 2


def test_shares_of_a_gpu_and_resources_of_a_node(cluster):
    """Two lives at once share the GPU of the one node that has any."""
    with Ray(cpus=0.5, gpus=0.5).open() as opened:
        found = list(opened.map(place, [1, 2], deaf))

    (first, gpu, one), (second, other, two) = found
    assert first == second
    assert gpu == other == "0"
    assert one != two


def test_a_worker_is_renewed_after_so_many_lives(cluster):
    with Ray(cpus=1, max_lives=1).open() as opened:
        assert len({process for _, _, process in opened.map(place, [1, 2, 3], deaf)}) == 3


def test_a_killed_worker_costs_what_was_lived_since_the_last_epoch(
    cluster, marks, tmp_path, caplog
):
    """Nothing is raised where a process is killed. The life goes on from its checkpoint."""
    out, killed = tmp_path / "ray", []

    def kill():
        killed.extend(workers(marks))
        for process in killed:
            os.kill(process, signal.SIGKILL)

    with meanwhile(lambda: ("g2s0", 2) in heard(out), kill):
        run = evolved(out, marks, Ray(), population=1)

    assert len(killed) == 1
    assert run.digest() == evolved(tmp_path / "serial", marks, "serial", population=1).digest()
    epochs = [epoch for who, epoch in heard(out) if who == "g2s0"]
    assert epochs[0] == 1
    assert epochs.count(1) == 1
    assert sorted(set(epochs)) == [1, 2, 3, 4]
    assert "g2s0 was lost on a node" in caplog.text
    assert "try 2 of 3" in caplog.text


def test_a_node_that_goes_in_the_middle(cluster, marks, tmp_path, caplog):
    """Who lived there lives on the node that is left."""

    gate = tmp_path / "gone"

    def remove():
        cluster.remove_node(next(iter(cluster.worker_nodes)), allow_graceful=False)
        gate.touch()

    try:
        with meanwhile(lambda: len(workers(marks)) == 2, remove):
            run = evolved(tmp_path / "ray", marks, Ray(), f"task.gate={gate}")
    finally:
        cluster.add_node(**NODE, num_gpus=1)

    assert run.digest() == evolved(tmp_path / "serial", marks, "serial").digest()
    assert "was lost on a node (NodeDiedError" in caplog.text


def test_who_kills_every_worker_is_told_by_name(cluster, marks, tmp_path):
    """As often as the recipe says, and with the way on; what was finished is kept."""
    options = [f"task.marks={marks}", f"task.spared={os.getpid()}"]
    with pytest.raises(RunError, match=r"g2s0 was lost 2 times on nodes .*evoframe resume"):
        evoframe.evolve(
            f"{LIVES}:Deadly", out=tmp_path / "run", executor=Ray(tries=2), population=1,
            generations=2, training="gradient", options=[*OPTIONS, *options],
        )  # fmt: skip

    assert len(workers(marks)) == 2
    assert [one.id for one in evoframe.open_run(tmp_path / "run").individuals] == ["g1s0"]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_driver_that_is_killed_leaves_nobody_and_goes_on(number, cluster, marks, tmp_path):
    words = [
        "evolve", f"--task={LIVES}:Marking", "--seed=3", "--generations=2", "--population=2",
        "--training=gradient", "--executor=ray", f"--out={tmp_path / 'run'}",
        *(word for option in OPTIONS for word in ("-o", option)),
        "-o", f"task.marks={marks}", "-o", "task.nap=0.1",
    ]  # fmt: skip
    driver = subprocess.Popen(  # noqa: S603
        [sys.executable, "-m", "evoframe", *words],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    until(lambda: len(workers(marks) - {driver.pid}) == 2)
    driver.send_signal(number)
    _, said = driver.communicate(timeout=60)

    until(lambda: not any(map(is_alive, workers(marks))), 30)
    if number == signal.SIGTERM:
        assert driver.returncode == 143
        assert (
            said.strip().splitlines()[-1].startswith("terminated; continue with: evoframe resume")
        )
    resumed = evoframe.resume(tmp_path / "run")
    serial = evolved(tmp_path / "serial", marks, "serial")
    assert resumed.digest() == serial.digest()


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        (["executor.cpus=1.5"], "a share of one such as 0.5, or a whole number"),
        (["executor.gpus=-1"], "a share of one such as 0.5, or a whole number"),
        (["executor.resources={CPU = 2}"], "which is Ray's own"),
        (["executor.tries=0"], "'tries' must be >= 1"),
        (["executor.address='x'"], "wanted 'host:port'"),
        (["executor.address='ray://a:1'"], "wanted 'host:port'"),
        (["executor.address='127.0.0.1:1'"], "finds no cluster at '127.0.0.1:1'"),
        (["executor.resources={printer = 1}", "executor.patience=0"], "has 1 CPU, 1 printer"),
    ],
)
def test_what_cannot_be_had_is_refused_in_one_line(options, wanted, cluster, tmp_path):
    words = ["evolve", "--recipe=demo", "--executor=ray", f"--out={tmp_path / 'run'}"]
    said = CliRunner().invoke(main, [*words, *(w for one in options for w in ("-o", one))])

    assert said.exit_code == 2
    assert wanted in said.output
    assert len(said.output.strip().splitlines()) == 1
    assert not (tmp_path / "run").exists()


def test_without_a_cluster_it_says_how_to_begin_one(tmp_path, monkeypatch):
    """Or, without Ray, how to get it; either before anything is written."""
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    if Cluster is not None:
        monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    words = ["evolve", "--recipe=demo", "--executor=ray", f"--out={tmp_path / 'run'}"]
    said = CliRunner().invoke(main, words)

    assert said.exit_code == 2
    assert ("pip install evoframe-ray[ray]" if Cluster is None else "ray start") in said.output
    assert not (tmp_path / "run").exists()


def test_ray_is_not_needed_to_be_listed(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    said = CliRunner().invoke(main, ["strategies", "executor"])

    assert "ray" in said.output
    words = ["evolve", "--recipe=demo", "--executor=ray", "--out=nowhere"]
    assert "pip install evoframe-ray[ray]" in CliRunner().invoke(main, words).output
