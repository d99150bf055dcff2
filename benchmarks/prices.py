"""What built-in recipes cost: each is run in a process of its own, and figures are written down.

    python benchmarks/prices.py demo best-mnist
    python benchmarks/prices.py darwin-1606 --unmeasured "20 epochs of five lives take an hour"

The figures go to `evoframe/config/prices.toml`, which `evoframe recipes` prints. CPU seconds are
those of user and system together, with the start of Python; memory is the largest resident set.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

import attrs
import tomli_w
import torch

import evoframe
from evoframe.config import files
from evoframe.config.prices import Price, digest_of

FILE = Path(evoframe.__file__).parent / "config" / "prices.toml"
SEED = 0


def main() -> None:
    """Measure the recipes that are named, one after another."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="+", metavar="RECIPE")
    parser.add_argument("--unmeasured", metavar="REASON", help="write down why there are none")
    asked = parser.parse_args()
    for name in asked.names:
        recipe = digest_of(files.read_recipe(name))
        if asked.unmeasured:
            write(name, Price(recipe, unmeasured=asked.unmeasured))
        else:
            write(name, measured(name, recipe))


def measured(name: str, recipe: str) -> Price:
    """Return the price of a recipe, which is run for it."""
    words = f"evolve --recipe {name} --seed {SEED} --device cpu -o executor.use=serial"
    with tempfile.TemporaryDirectory() as place:
        out = Path(place, "run")
        command = [sys.executable, "-m", "evoframe", *words.split(), "--out", str(out)]
        process = subprocess.Popen(command, env={**os.environ, "OMP_NUM_THREADS": "1"})
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"{name} failed with exit code {process.returncode}")
        return of_run(evoframe.Run(out), recipe, f"evoframe {words}", usage)


def of_run(run: evoframe.Run, recipe: str, command: str, usage: os.struct_rusage) -> Price:
    """Return the price by what is on record of a run, and what its process used."""
    best, ancestor, metric = run.best.fitness, run.ancestor.fitness, run.metric
    assert best is not None
    assert ancestor is not None
    split = "test" if best.test else "validation"
    return Price(
        recipe,
        command=command,
        seed=SEED,
        machine=machine(),
        version=f"evoframe {evoframe.__version__}, torch {torch.__version__}",
        cpu_seconds=round(usage.ru_utime + usage.ru_stime, 1),
        peak_megabytes=round(usage.ru_maxrss / 1024, 0),
        metric=metric.in_words(getattr(best, split)[metric.name]),
        ancestor=metric.in_words(getattr(ancestor, split)[metric.name]),
        synapses=round(ancestor.costs["synapses"] / best.costs["synapses"], 2),
        parameters=round(ancestor.costs["parameters"] / best.costs["parameters"], 2),
    )


def machine() -> str:
    """Return the processor, as Linux calls it, and how much of it is used."""
    names = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    return f"one thread of {len(names)} cores of {names[0]}, Python {platform.python_version()}"


def write(name: str, price: Price) -> None:
    """Write a price down beside the others."""
    known = tomllib.loads(FILE.read_text("utf-8")) if FILE.exists() else {}
    known[name] = attrs.asdict(price, filter=lambda _, value: value != "")
    if price.unmeasured:
        known[name] = {"recipe": price.recipe, "unmeasured": price.unmeasured}
    FILE.write_text(tomli_w.dumps(dict(sorted(known.items()))), "utf-8")


if __name__ == "__main__":
    main()
