"""Error on all of MNIST at few weights, all of them counted, beside what others published.

    python benchmarks/records.py --data mnist.npz --out runs/records --marks 68 100
    python benchmarks/records.py --data mnist.npz --out runs/records --marks 250 500 --until 500
    python benchmarks/records.py --data mnist.npz --out runs/records --task lenet-5-caffe \
        --marks 280 --seeds 0 -o ancestor.epochs=3 -o training.epochs=1
    python benchmarks/records.py --out runs/records --table

One run of the recipe `records` for each seed and each mark, which is how many times fewer weights
there must be, of all weights: those of the classifier too; or one run for several marks. What is
reported is the test error of the network that is best on validation among those of a run that are
within the mark. Every run of a seed begins with the same ancestor. A run that was interrupted is
gone on with, and one that is finished is not run again. Published figures are their authors'
claims, most of them single runs.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import attrs
from cattrs import structure

from evoframe import Run
from evoframe.config.request import Request
from evoframe.kernel import device as devices
from evoframe.kernel.individual import Individual
from evoframe.run import starting

PUBLISHED: dict[str, dict[str, tuple[tuple[float, str], ...]]] = {
    "lenet-300-100": {
        "SNIP": ((20, "1.6"), (50, "2.4")),
        "DST (5 runs)": ((40, "2.31 ± 0.14"),),
        "dynamic network surgery": ((56, "1.99"),),
        "L-OBS": ((67, "2.0"),),
        "Sparse variational dropout": ((68, "1.92"),),
        "LC": ((100, "3.2"),),
    },
    "lenet-5-caffe": {
        "SNIP": ((50, "0.8"), (100, "1.1")),
        "DST (5 runs)": ((61, "0.89 ± 0.07"),),
        "L-OBS": ((100, "2.1"),),
        "LC": ((100, "1.1"),),
        "dynamic network surgery": ((108, "0.91"),),
        "Sparse variational dropout": ((280, "0.75"),),
    },
}
"""By task and method: times fewer weights, and the error in per cent."""

STUDENT = {2: 12.706, 3: 4.303, 4: 3.182, 5: 2.776}
"""By the number of seeds: how many standard errors a mean is known to, nineteen times of twenty."""


@attrs.frozen
class Result:
    """What came of a run.

    Attributes:
        task: and mark, seed: what was asked for.
        weights: that are left, of all that evolve.
        numbers: all that are left and not zero, biases too.
        validation: error by which it was chosen, in per cent.
        error: on the test images, in per cent.
        ancestor: error of the ancestor on them.
        epochs: of all descendants.
        seconds: of the CPU, of all descendants.
        device: that they were trained on.
    """

    task: str
    mark: float
    seed: int
    weights: int
    numbers: int
    validation: float
    error: float
    ancestor: float
    epochs: float
    seconds: float
    device: str = "cpu"


def main() -> None:
    """Run what is asked for and not there yet, or print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, required=True, help="folder of runs and results")
    parser.add_argument("--data", type=Path, help="all of MNIST")
    parser.add_argument("--task", choices=PUBLISHED, default="lenet-300-100")
    parser.add_argument("--marks", type=float, nargs="+", default=[68, 100, 250, 500])
    parser.add_argument("--until", type=float, help="one run so far down, for all of the marks")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--device", default="cpu")
    parser.add_argument("-o", dest="options", action="append", default=[], help="of the recipe")
    parser.add_argument("--table", action="store_true", help="print what is there")
    asked = parser.parse_args()
    if asked.table:
        print("\n".join(tables(asked.out)))
        return
    if asked.data is None:
        parser.error("name MNIST with --data, as the task mnist takes it")
    options = [f"task.data={asked.data.absolute()}", *asked.options]
    for seed in asked.seeds:
        founder = asked.out / asked.task / f"seed-{seed}" / "ancestor"
        carry(founder, asked, seed, options, None)
        for mark in asked.marks:
            file = founder.with_name(f"{mark:g}.json")
            if not file.exists():
                goal = asked.until or mark
                found = measured(founder, asked, seed, mark, goal, options)
                file.write_text(json.dumps(attrs.asdict(found), indent=1))
                print(file, found)


def measured(
    founder: Path,
    asked: argparse.Namespace,
    seed: int,
    mark: float,
    goal: float,
    options: list[str],
) -> Result:
    """Return what comes of a run that goes down to a goal, at a mark on its way."""
    path = founder.with_name(f"{goal:g}")
    here = [f"environment.share={1 / goal!r}", *options]
    run, seconds = carry(path, asked, seed, here, founder)
    chosen = best_within(run, mark)
    state = run.network(chosen.id).state_dict().values()
    epochs = run.epochs()
    return Result(
        task=asked.task,
        mark=mark,
        seed=seed,
        weights=chosen.synapses,
        numbers=sum(int(value.count_nonzero()) for value in state),
        validation=error(chosen, "validation"),
        error=error(chosen, "test"),
        ancestor=error(run.ancestor, "test"),
        epochs=sum(count for name, count in epochs.items() if name != run.ancestor.id),
        seconds=seconds,
        device=devices.describe(devices.resolve(asked.device)),
    )


def carry(
    path: Path, asked: argparse.Namespace, seed: int, options: list[str], founder: Path | None
) -> tuple[Run, float]:
    """Begin a run or go on with it, to its end; return it, and the CPU seconds of all its parts."""
    clock, begun = path.with_suffix(".seconds"), time.process_time()
    if path.exists():
        if Run(path).ending is None:
            starting.resume(path, founder=founder)
    else:
        choices: dict[str, Any] = {"task": asked.task, "seed": seed, "device": asked.device}
        if founder is None:
            choices["generations"] = 1
        request = Request("records", choices=choices, options=options).resolve()
        path.parent.mkdir(parents=True, exist_ok=True)
        starting.start(request.recipe, request.registry, path, founder=founder)
    before = float(clock.read_text()) if clock.exists() else 0.0
    seconds = before + time.process_time() - begun
    clock.write_text(f"{seconds:.1f}")
    return Run(path), seconds


def best_within(run: Run, mark: float) -> Individual:
    """Return the network with the least error on validation that is within a mark."""
    within = [one for one in run.individuals if one.is_alive and run.efficiency(one) >= mark]
    return min(within, key=lambda one: (error(one, "validation"), one.synapses))


def error(one: Individual, split: str) -> float:
    """Return the error on a split, in per cent."""
    assert one.fitness is not None
    return 100 * (1 - getattr(one.fitness, split)["accuracy"].value)


def tables(out: Path) -> list[str]:
    """Return a table in Markdown for each task that has results."""
    lines = []
    for task, others in PUBLISHED.items():
        found = [
            structure(json.loads(file.read_text()), Result)
            for file in sorted(out.glob(f"{task}/seed-*/*.json"))
        ]
        if not found:
            continue
        lines += ["", f"`{task}`", "", HEADER, "|---" * 7 + "|"]
        rows = [
            (mark, f"| {name} | {mark:g}x | | {said} | | | |")
            for name, claims in others.items()
            for mark, said in claims
        ]
        for mark in {one.mark for one in found}:
            ours = [one for one in found if one.mark == mark]
            rows += [(fewer_weights(ours), row(ours))]
        lines += [text for _, text in sorted(rows, key=lambda one: one[0])]
    return lines


HEADER = (
    "| method | fewer weights | fewer numbers, biases too | test error, % | by seeds "
    "| epochs | CPU seconds |"
)


def row(found: Sequence[Result]) -> str:
    """Return a row of the table: ours at a mark, over its seeds."""
    found = sorted(found, key=lambda one: one.seed)
    whole = WHOLE[found[0].task]
    numbers = statistics.fmean([whole[1] / one.numbers for one in found])
    cells = (
        "**`records`**",
        f"{fewer_weights(found):.1f}x",
        f"{numbers:.1f}x",
        f"**{in_words([one.error for one in found])}**",
        ", ".join(f"{one.error:.2f}" for one in found),
        f"{statistics.fmean([one.epochs for one in found]):.0f}",
        f"{statistics.fmean([one.seconds for one in found]):.0f}",
    )
    return f"| {' | '.join(cells)} |"


def fewer_weights(found: Sequence[Result]) -> float:
    """Return how many times fewer weights there are, the mean over seeds."""
    return statistics.fmean([WHOLE[one.task][0] / one.weights for one in found])


WHOLE = {"lenet-300-100": (266_200, 266_610), "lenet-5-caffe": (430_500, 431_080)}
"""By task: all weights, and all numbers."""


def in_words(errors: Sequence[float]) -> str:
    """Return a mean with its standard deviation, and to what the mean is known by these seeds."""
    mean, count = statistics.fmean(errors), len(errors)
    if count == 1:
        return f"{mean:.2f} (one seed)"
    deviation = statistics.stdev(errors)
    known = STUDENT.get(count, 2.0) * deviation / math.sqrt(count)
    return f"{mean:.2f} ± {deviation:.2f} (mean known to ± {known:.2f})"


if __name__ == "__main__":
    main()
