"""What a life costs a run by how many are on record, and what worker processes save and cost.

    python benchmarks/population.py [--counts 10 1000 3000 10000] [--evoframe FOLDER]
    python benchmarks/population.py --processes [--seconds 5] [--evoframe FOLDER]

A run of a tiny network is lived for a moment, and then made longer in its journal, as if it had
gone on: what is measured hangs on the number of rows and not on what stands in them. Then, each in
a process of its own and with a copy of the run,

* a resume with one more generation of five lives, and one with forty-one more, of which the
  difference is what a life costs;
* ``show``, ``show --json``, and ``compare`` of finished runs, one of which is the long one.

With ``--processes``: a run of two generations whose lives wait for so many seconds, lived one after
another and by two workers. Waiting stands for computing, so that the figure does not hang
on who else uses the cores; how long a worker takes to start does.

``--evoframe`` names a folder with another version to measure. CPU seconds are those of all
processes of a command, user and system.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import resource
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from datetime import datetime
from pathlib import Path

import attrs
import torch
from torch import nn

from evoframe.plugin import Metric, Task, doc

HERE = Path(__file__).resolve()
LIVED, POPULATION = 3, 5
"""Generations that are really lived, and how many live in each after the first."""

FEW, MORE = 1, 41
"""How many further generations are lived."""

SIDE_BY_SIDE = 8
"""How many lives two workers share in each generation."""

RECIPE = (
    f"--task={HERE}:Points", f"--population={POPULATION}", "--selection=truncation",
    "--encoding=uniform", "-o", "environment.retention=0.9999",
)  # fmt: skip
COMPARED = f"""
[run]
population = {POPULATION}
generations = {LIVED}
[task]
use = "{HERE}:Points"
[encoding]
use = "uniform"
[training]
use = "gradient"
epochs = 1
[[environment]]
use = "retention"
retention = 0.9999
"""


@attrs.frozen
class Points(Task):
    """Points of two classes."""

    name = "points"
    nap: float = attrs.field(default=0.0, metadata=doc("seconds to wait in each life"))

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """What is measured."""
        return (Metric("accuracy"),)

    def ancestor(self, key: object) -> nn.Module:
        """Return two hidden layers."""
        return nn.Sequential(
            nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 2)
        )

    def example_inputs(self) -> tuple[torch.Tensor, ...]:
        """Return one point."""
        return (torch.zeros(1, 8),)

    def batches(self, split: str, *, shuffle: object = None, batch_size: int | None = None) -> list:
        """Return all points of a split, in one batch."""
        points = torch.randn(120, 8, generator=torch.Generator().manual_seed(len(split)))
        if split == "train" and shuffle is not None:  # a survey tries batches too, in their order
            time.sleep(self.nap)
        return [(points, (points[:, 0] * points[:, 1] > 0).long())]

    def step(self, network: nn.Module, batch: tuple) -> torch.Tensor:
        """Return the loss."""
        return nn.functional.cross_entropy(network(batch[0]), batch[1])

    def measure(self, network: nn.Module, batch: tuple) -> dict[str, torch.Tensor]:
        """Return whether each point is told right."""
        return {"accuracy": (network(batch[0]).argmax(1) == batch[1]).float()}


@attrs.frozen
class Spent:
    """What a command took.

    Attributes:
        cpu: seconds of all its processes.
        wall: seconds.
    """

    cpu: float
    wall: float


def main() -> None:
    """Measure, and print a line for each figure."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--counts", type=int, nargs="+", default=[10, 1000, 3000, 10000])
    parser.add_argument("--evoframe", type=Path, default=HERE.parents[1])
    parser.add_argument("--processes", action="store_true")
    parser.add_argument("--seconds", type=float, default=5.0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        bench = Bench(Path(name), given.evoframe.resolve())
        if given.processes:
            bench.processes(given.seconds)
            return
        seed = bench.begun()
        for count in given.counts:
            bench.growth(seed, count)
        bench.compare(given.counts)


@attrs.frozen
class Bench:
    """A folder to work in, and the version that is measured."""

    place: Path
    code: Path

    def evoframe(self, *words: object) -> Spent:
        """Run a command to its end."""
        env = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(self.code)}
        before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        command = [sys.executable, "-P", "-m", "evoframe", *map(str, words)]
        done = subprocess.run(
            command, cwd=self.place, env=env, capture_output=True, text=True, check=False
        )
        wall, after = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
        if done.returncode:
            sys.exit(done.stderr)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return Spent(cpu, wall)

    def begun(self) -> Path:
        """Return a short run."""
        run = self.place / "begun"
        self.evoframe(
            "evolve", *RECIPE, "--training=none", f"--generations={LIVED}", f"--out={run}"
        )
        return run

    def growth(self, seed: Path, count: int) -> None:
        """Print what a run with so many on record costs."""
        took, last = {}, LIVED + max(0, (count - 1) // POPULATION - LIVED + 1)
        for further in (FEW, MORE):
            run = longer(seed, self.place / "run", last)
            change = f"run.generations={last + further}"
            took[further] = self.evoframe("resume", run, "--change", change)
        lives, known = POPULATION * (MORE - FEW), 1 + POPULATION * (last - 1)
        life = [
            (getattr(took[MORE], one) - getattr(took[FEW], one)) / lives for one in ("cpu", "wall")
        ]
        run = longer(seed, self.place / "run", last)
        shown, told = self.evoframe("show", run), self.evoframe("show", "--json", run)
        print(
            f"{known} on record: a life {1000 * life[0]:.1f} ms CPU, {1000 * life[1]:.1f} ms wall; "
            f"a resume with {POPULATION} lives {took[FEW].cpu:.2f} s CPU; "
            f"show {shown.cpu:.2f} s, as JSON {told.cpu:.2f} s",
            flush=True,
        )

    def compare(self, counts: list[int]) -> None:
        """Print what it takes to compare finished runs, one of them of so many individuals."""
        recipe = self.place / "recipe.toml"
        recipe.write_text(COMPARED)
        words = ("compare", recipe, "--seeds=1", "--epochs=1", f"--out={self.place / 'compared'}")
        self.evoframe(*words)
        run = self.place / "compared" / "recipe" / "seed-0"
        kept = self.place / "kept"
        shutil.copytree(run, kept)
        for count in counts:
            shutil.rmtree(run)
            longer(kept, run, 1 + count // POPULATION)
            cpu = self.evoframe(*words).cpu
            print(f"compare, {count} on record in one run: {cpu:.2f} s CPU", flush=True)

    def processes(self, seconds: float) -> None:
        """Print what two workers save of wall time, and what they cost."""
        words = [*RECIPE[:1], *RECIPE[2:], f"--population={SIDE_BY_SIDE}", "--training=gradient"]
        words += ["-o", "training.epochs=1", "-o", f"task.nap={seconds}"]
        for executor in (["serial"], ["processes", "-o", "executor.workers=2"]):
            out = self.place / executor[0]
            more = ("--executor", *executor, "--generations=3", f"--out={out}")
            took = self.evoframe("evolve", *words, *more)
            print(
                f"{executor[0]}: two generations of {SIDE_BY_SIDE} lives of {seconds:g} s: "
                f"{took.wall:.1f} s wall, {took.cpu:.1f} s CPU; the second one alone "
                f"{last_generation(out):.1f} s wall",
                flush=True,
            )


def last_generation(run: Path) -> float:
    """Return the seconds between the ends of the last two generations of a run."""
    told = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    ends = [one["timestamp"] for one in told if one["event"] == "generation finished"]
    before, after = (datetime.fromisoformat(one) for one in ends[-2:])
    return (after - before).total_seconds()


def longer(seed: Path, run: Path, last: int) -> Path:
    """Return a copy of a run that has gone on until a generation, as its journal has it."""
    shutil.rmtree(run, ignore_errors=True)
    shutil.copytree(seed, run)
    with closing(sqlite3.connect(run / "journal.sqlite")) as base, base:
        base.row_factory = sqlite3.Row
        rows = base.execute("SELECT * FROM individuals ORDER BY generation, slot").fetchall()
        born = rows[-1]["generation"]
        lives = {
            json.loads(data)["individual"]: data
            for (data,) in base.execute("SELECT data FROM events WHERE name = 'life'")
        }
        for number in range(born + 1, last + 1):
            for row in (one for one in rows if one["generation"] == born):
                add(base, dict(row), number, lives[row["genotype"]])
        fact(base, "told", str(last))
    for path in (run / "individuals").glob(f"g{born}s*"):
        new = path.with_name(path.name.replace(f"g{born}s", f"g{last}s"))
        if new != path:
            shutil.copy(path, new)
    return run


def add(base: sqlite3.Connection, row: dict[str, object], number: int, life: str) -> None:
    """Add an individual like another one, whose only parent had its place."""
    old, place = f"g{row['generation']}s", row["slot"]
    key = re.sub(r"generation/\d+", f"generation/{number}", str(row["key"]))
    parents = json.dumps([f"g{number - 1}s{place}"])
    one = {"id": f"g{number}s{place}", "genotype": f"g{number}s{place}", "generation": number}
    row |= {**one, "parents": parents, "key": key}
    names, marks = ", ".join(row), ", ".join(f":{name}" for name in row)
    base.execute(f"INSERT INTO individuals ({names}) VALUES ({marks})", row)
    checked(base, f"individual {row['id']}", row)
    base.execute(
        "INSERT INTO events (name, data) VALUES ('life', ?)",
        (life.replace(f"{old}{place}", str(row["id"])),),
    )


def fact(base: sqlite3.Connection, name: str, value: str) -> None:
    """Set a fact about a run."""
    base.execute("INSERT OR REPLACE INTO facts (name, value) VALUES (?, ?)", (name, value))
    checked(base, f"fact {name}", {"value": value})


def checked(base: sqlite3.Connection, row: str, values: dict[str, object]) -> None:
    """Write the checksum of a row, as every version that is measured takes it."""
    text = json.dumps(values, sort_keys=True, default=repr)
    told = hashlib.blake2b(text.encode(), digest_size=8, person=b"evoframe.row").hexdigest()
    base.execute(
        "INSERT OR REPLACE INTO facts (name, value) VALUES (?, ?)", (f"checksum of {row}", told)
    )


if __name__ == "__main__":
    main()
