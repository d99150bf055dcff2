"""Why recipes of the papers lose more than was published: each with one thing changed, on digits.

    python benchmarks/reproductions.py --data mnist.npz --out runs/reproductions --jobs 2
    python benchmarks/reproductions.py --out runs/reproductions --list
    python benchmarks/reproductions.py --data mnist.npz --out runs/reproductions --only mating-base
    python benchmarks/reproductions.py --out runs/reproductions --table

A piece is an arm of `reproductions_arms.py` with a seed: a run on a tenth of MNIST that begins with
the ancestor of its seed, which is trained once for all arms. What comes of it goes to a file of its
own, in one go; a piece that was interrupted goes on where its run was, and one that is there is not
made again. Pieces are started in the order of arms, those that wait for an ancestor later.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import attrs
import torch
from reproductions_arms import ARMS, Arm
from reproductions_births import births
from reproductions_tables import tables

from evoframe import Run
from evoframe.config.request import Request
from evoframe.errors import EvoframeError
from evoframe.run import starting

ANCESTOR = "ancestor"

EXAMPLES = 6000
"""That are learned from, as in the papers' tenth of MNIST."""


@attrs.frozen
class Piece:
    """An arm with a seed, or the ancestor of a seed.

    Attributes:
        arm: its name.
        seed: of the run.
        out: the folder of all results.
        runs: the folder of all runs.
    """

    arm: str
    seed: int
    out: Path
    runs: Path

    @property
    def name(self) -> str:
        """What it is called."""
        return f"{self.arm}-{self.seed}"

    @property
    def run(self) -> Path:
        """The folder of its run."""
        return self.runs / self.name

    @property
    def file(self) -> Path:
        """What came of it."""
        return self.out / f"{self.name}.json"

    @property
    def founder(self) -> Piece:
        """The ancestor that it begins with."""
        return attrs.evolve(self, arm=ANCESTOR)


def main() -> None:
    """Make the pieces that are asked for and not there, or print them or what is there."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, required=True, help="folder of results")
    parser.add_argument("--data", type=Path, help="all of MNIST")
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="arms or pieces")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--runs", type=Path, help="folder of runs; OUT/runs if not given")
    parser.add_argument("--seconds", type=float, default=math.inf, help="end after so many")
    parser.add_argument("--jobs", type=int, default=1, help="pieces side by side")
    parser.add_argument("--list", action="store_true", help="print the pieces and CPU seconds")
    parser.add_argument("--table", action="store_true", help="print tables of what is there")
    parser.add_argument("--piece", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.table:
        print("\n".join(tables(asked.out, ARMS)))
        return
    out = asked.out.absolute()
    runs = asked.runs.absolute() if asked.runs else out / "runs"
    pieces = [Piece(arm, seed, out, runs) for arm in ARMS for seed in asked.seeds]
    if asked.only:
        pieces = [one for one in pieces if {one.arm, one.name} & set(asked.only)]
    if asked.list:
        print("\n".join(f"{one.name}  {ARMS[one.arm].seconds} s" for one in pieces))
        print(f"{sum(ARMS[one.arm].seconds for one in pieces)} s, besides ancestors")
    elif asked.data is None:
        parser.error("name MNIST with --data, as the task mnist takes it")
    elif asked.piece:
        arm, _, seed = asked.piece.rpartition("-")
        made(Piece(arm, int(seed), out, runs), asked.data)
    else:
        make_all(pieces, asked)


def make_all(pieces: list[Piece], asked: argparse.Namespace) -> None:
    """Make pieces side by side, each in a process of its own; who waits for an ancestor, later."""
    missing = [one for one in pieces if not one.file.exists()]
    founders = dict.fromkeys(one.founder for one in missing)
    waiting = [*(one for one in founders if not one.file.exists()), *missing]
    end = time.monotonic() + asked.seconds
    busy: dict[subprocess.Popen[bytes], Piece] = {}
    while (waiting or busy) and time.monotonic() < end:
        ready = [one for one in waiting if one.arm == ANCESTOR or one.founder.file.exists()]
        for one in ready[: asked.jobs - len(busy)]:
            waiting.remove(one)
            busy[started(one, asked)] = one
        if not busy:
            raise SystemExit(f"no ancestor for {', '.join(one.name for one in waiting)}")
        time.sleep(0.2)
        for process in [one for one in busy if one.poll() is not None]:
            said = f"{busy.pop(process).name}: exit code {process.returncode}"
            print(f"{time.strftime('%T')} {said}, {len(waiting)} wait", flush=True)
    for process in busy:
        process.terminate()  # a run goes on from its last checkpoint
    for process, one in busy.items():
        print(f"{one.name}: ended before its end, with exit code {process.wait()}", flush=True)


def started(piece: Piece, asked: argparse.Namespace) -> subprocess.Popen[bytes]:
    """Begin to make a piece in a process of its own, with one thread."""
    script = [sys.executable, __file__, "--out", str(asked.out), "--data", str(asked.data)]
    if asked.runs:
        script += ["--runs", str(asked.runs)]
    log = piece.out / "logs" / f"{piece.name}.txt"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a") as words:
        return subprocess.Popen(
            [*script, "--piece", piece.name],
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            stdout=words,
            stderr=words,
        )


def made(piece: Piece, data: Path) -> None:
    """Make a piece, and write down what came of it."""
    torch.set_num_threads(1)
    begun = time.process_time()
    carry(piece, data)
    result = {"arm": piece.arm, "seed": piece.seed} | (
        {} if piece.arm == ANCESTOR else described(Run(piece.run))
    )
    result |= {"cpu": time.process_time() - begun, "torch": torch.__version__}
    part = piece.file.with_suffix(".part")
    part.write_text(json.dumps(result, indent=1))
    part.rename(piece.file)


def carry(piece: Piece, data: Path) -> None:
    """Carry the run of a piece to its end, from where it was."""
    founder = None if piece.arm == ANCESTOR else piece.founder.run
    if piece.run.exists():
        try:
            starting.resume(piece.run, founder=founder)
        except EvoframeError as error:  # such as of another version of torch
            print(f"{piece.name} begins anew: {error}")
            shutil.rmtree(piece.run)
        else:
            return
    request = asked_for(piece, data).resolve()
    piece.run.parent.mkdir(parents=True, exist_ok=True)
    starting.start(request.recipe, request.registry, piece.run, founder=founder)


def asked_for(piece: Piece, data: Path) -> Request:
    """Return what is asked of a run."""
    arm = ARMS.get(piece.arm, Arm("mating-1709", "", 0, choices={"generations": 1}))
    options = [f"task.data={data.absolute()}", f"task.train_size={EXAMPLES}", *arm.options]
    choices = {**arm.choices, "seed": piece.seed, "device": "cpu", "executor": "serial"}
    return Request(arm.recipe, choices=choices, options=options)


def described(run: Run) -> dict[str, Any]:
    """Return everybody of a run with sizes and accuracies, and what there is to say of births."""
    epochs, born = run.epochs(), births(run)
    return {
        "digest": run.digest(),
        "ending": run.ending,
        "seconds": sum(one.seconds for one in run.entries[1:]),
        "epochs": sum(epochs.get(one.id, 0) for one in run.individuals[1:]) + unborn(run),
        "life": run.tables["training"].get("epochs"),
        "layers": [name for name, _ in run.layers_on_record],
        "individuals": [
            {
                "id": one.id,
                "generation": one.generation,
                "parents": one.parents,
                "stillborn": one.stillborn,
                "synapses": one.synapses,
                **accuracies(run, one),
                "birth": born.get(one.id),
            }
            for one in run.individuals
        ],
    }


def accuracies(run: Run, one: Any) -> dict[str, float]:
    """Return the accuracies of the living, and their bytes."""
    if one.fitness is None:
        return {}
    name = run.metric.name
    return {
        "validation": one.fitness.validation[name].value,
        "test": one.fitness.test[name].value,
        "bytes": one.fitness.costs["bytes"],
    }


def unborn(run: Run) -> float:
    """Return for how many epochs siblings were trained that were not born."""
    last = {
        (name, look.sibling): look for name, one in run.accounts().items() for look in one.looks
    }
    return sum(look.epochs for look in last.values() if not look.born)


if __name__ == "__main__":
    main()
