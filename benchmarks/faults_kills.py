"""Kills: runs whose driver or workers are killed at random instants, over every executor."""

from __future__ import annotations

import importlib.util
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs

import evoframe

HERE = Path(__file__).resolve()
TESTS = HERE.parents[1] / "tests"
sys.path.insert(0, str(TESTS))

from evoframe.plugin import doc  # noqa: E402
from support.blobs import Blobs  # noqa: E402

COMMAND = (sys.executable, "-P", "-m", "evoframe")
MARK = "EVOFRAME_FAULTS"
"""A variable of the environment by which all that a driver has started is found."""

LONGEST = 45.0
"""Seconds after which nobody may be left of a driver that was killed."""


@attrs.frozen
class Marked(Blobs):
    """Three clouds of points; every process that trains leaves its number."""

    name = "marked"
    marks: str = attrs.field(default="", metadata=doc("the folder of numbers of processes"))

    def step(self, network: Any, batch: Any) -> Any:
        """Return the loss."""
        Path(self.marks, identity(os.getpid())).touch()
        return super().step(network, batch)


@attrs.frozen
class Arm:
    """An executor that runs are lived by.

    Attributes:
        name: of it.
        options: of it, as the command line takes them.
        wait: the longest time from the first sign of a driver to a kill, in seconds.
        needs: packages without which it is skipped.
    """

    name: str
    options: tuple[str, ...] = ()
    wait: float = 3.0
    needs: tuple[str, ...] = ()

    @property
    def words(self) -> tuple[str, ...]:
        """The executor, for the command line."""
        options = (word for one in self.options for word in ("-o", f"executor.{one}"))
        return (f"--executor={self.name}", *options)

    @property
    def missing(self) -> list[str]:
        """The packages that are not there."""
        return [one for one in self.needs if importlib.util.find_spec(one) is None]


ARMS = (
    Arm("serial"),
    Arm("processes", ("workers=2",), 8.0),
    Arm(
        "submitit",
        # A job ends itself once it misses its driver for three seconds; two minutes otherwise.
        ("cluster=local", "poll=0.1", "patience=3"), 20.0, ("evoframe_submitit", "submitit"),
    ),
    Arm("ray", (), 5.0, ("evoframe_ray", "ray")),
)  # fmt: skip


@attrs.define
class Tally:
    """What came of the kills of one executor."""

    drivers: int = 0
    workers: int = 0
    runs: int = 0
    others: int = 0
    left: int = 0

    @property
    def kills(self) -> int:
        """All of them."""
        return self.drivers + self.workers


def killed(
    count: int, names: Sequence[str], recipe: Sequence[str], place: Path, dice: random.Random
) -> Iterator[tuple[str, bool]]:
    """Kill runs so many times in all, and tell of each executor what came of it.

    Args:
        count: of kills, in equal parts for the executors that are there.
        names: of executors.
        recipe: words of the command line.
        place: a folder.
        dice: for the instants.
    """
    chosen = [arm for arm in ARMS if arm.name in names]
    there = [arm for arm in chosen if not arm.missing]
    for arm in chosen:
        if arm.missing:
            yield f"{arm.name}: skipped, without {' and '.join(arm.missing)}", False
    if not count or not there:
        return
    marks = place / "marks"
    marks.mkdir()
    words = (*recipe, f"--task={HERE}:Marked", "-o", f"task.marks={marks}")
    whole = place / "unbroken"
    subprocess.run([*COMMAND, "evolve", *words, f"--out={whole}"], capture_output=True, check=True)
    due = evoframe.open_run(whole).digest()
    for arm in there:
        with cluster(arm):
            tally = Bench(arm, words, place, marks, dice, due).tally(count // len(there))
        line = (
            f"{arm.name}: {tally.drivers} drivers and {tally.workers} workers killed over "
            f"{tally.runs} runs, {tally.others} ended with another digest, {tally.left} processes "
            "were left"
        )
        yield line, bool(tally.others or tally.left)


@contextmanager
def cluster(arm: Arm) -> Iterator[None]:
    """Have a cluster of two nodes of Ray on this machine for as long as it is needed."""
    if arm.name != "ray":
        yield
        return
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    from ray.cluster_utils import Cluster

    node = {"num_cpus": 1, "object_store_memory": 80 * 2**20}
    here = Cluster(initialize_head=True, head_node_args={**node, "include_dashboard": False})
    here.add_node(**node)
    os.environ["RAY_ADDRESS"] = here.address
    try:
        yield
    finally:
        del os.environ["RAY_ADDRESS"]
        here.shutdown()


@attrs.frozen
class Bench:
    """Where runs of one executor are killed.

    Attributes:
        arm: the executor.
        words: the recipe.
        place: for run folders.
        marks: where processes that train leave their numbers.
        dice: for the instants.
        due: the digest of the unbroken run.
    """

    arm: Arm
    words: Sequence[str]
    place: Path
    marks: Path
    dice: random.Random
    due: str

    @property
    def _said(self) -> Path:
        """The file of what a driver says."""
        return self.place / "said.txt"

    def tally(self, count: int) -> Tally:
        """Kill so many times, and bring every run to its end."""
        tally = Tally()
        while tally.kills < count:
            out = self.place / f"{self.arm.name}-{tally.runs}"
            words = ["evolve", *self.words, *self.arm.words, f"--out={out}"]
            while not self._is_over(words, out, tally, count):
                words = ["resume", str(out)] if (out / "run.toml").exists() else words
            tally.runs += 1
            tally.others += evoframe.open_run(out).digest() != self.due
            shutil.rmtree(out)
            print(f"  {self.arm.name}: {tally}", file=sys.stderr, flush=True)
        return tally

    def _is_over(self, words: Sequence[str], out: Path, tally: Tally, count: int) -> bool:
        """Carry a run in a process, in which or in whose workers kills fall.

        Return whether the run has ended.
        """
        for mark in self.marks.iterdir():
            mark.unlink()
        token, before = f"{os.getpid()}-{self.dice.random()}", tally.kills
        # Into a file: a pipe would stay open for as long as a job of submitit's does.
        with self._said.open("w") as said:
            driver = subprocess.Popen(
                [*COMMAND, *words], env={**os.environ, MARK: token}, stdout=said, stderr=said,
                start_new_session=True,
            )  # fmt: skip
        while tally.kills < count and self._is_time(driver, out):
            workers = self._workers(driver)
            victim = driver.pid
            if workers and self.dice.random() < 0.75:
                victim = self.dice.choice(workers)
            if victim == driver.pid:
                driver.kill()
                tally.drivers += 1
                break
            try:
                os.kill(victim, signal.SIGKILL)
                tally.workers += 1
            except ProcessLookupError:  # it was over before
                pass
        code = driver.wait()
        tally.left += self._left(token)
        if code and tally.kills == before:
            raise RuntimeError(f"exit code {code} of {words}: {self._said.read_text()}")
        return code == 0

    def _is_time(self, driver: subprocess.Popen[bytes], out: Path) -> bool:
        """Wait for a random instant; False if the driver has ended before."""
        log = out / "log.jsonl"
        before = log.stat().st_size if log.exists() else 0
        if self.dice.random() < 0.9:  # else at any instant, while it starts
            while driver.poll() is None and (log.stat().st_size if log.exists() else 0) <= before:
                time.sleep(0.005)
        longest = self.arm.wait
        if self.arm.name != "serial" and self.dice.random() < 0.5:  # else few kills hit a worker
            while driver.poll() is None and not self._workers(driver):
                time.sleep(0.01)
            longest = 1.0
        until = time.monotonic() + self.dice.uniform(0.0, longest)
        while driver.poll() is None and time.monotonic() < until:
            time.sleep(0.002)
        return driver.poll() is None

    def _workers(self, driver: subprocess.Popen[bytes]) -> list[int]:
        return [one for one in self._at_work() if one != driver.pid]

    def _at_work(self) -> list[int]:
        known = [mark.name for mark in self.marks.iterdir()]
        return [one for name in known if identity(one := int(name.partition("-")[0])) == name]

    def _left(self, token: str) -> int:
        """Return how many processes of a driver are left after some time, and end them."""
        until = time.monotonic() + LONGEST
        while (left := {*started(token), *self._at_work()}) and time.monotonic() < until:
            time.sleep(0.05)
        for one in left:
            os.kill(one, signal.SIGKILL)
        return len(left)


def identity(process: int) -> str:
    """Return the number of a process with when it began, as numbers are used again; or nothing."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return ""
    # One that only waits to be buried does not go on.
    return "" if fields[0] == "Z" else f"{process}-{fields[19]}"


def started(token: str) -> list[int]:
    """Return the processes that were started with a token in their environment."""
    found = []
    for environment in Path("/proc").glob("[0-9]*/environ"):
        try:
            mine = f"{MARK}={token}".encode() in environment.read_bytes().split(b"\0")
        except OSError:
            continue
        number = int(environment.parent.name)
        if mine and identity(number):
            found.append(number)
    return found
