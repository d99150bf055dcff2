"""Deep Learning with Darwin on real pictures: the paper's law beside chance and magnitude.

For each seed one narrow ancestor is trained from nothing, and four generations are evolved from it:
by the paper's law as it stands (P times 0.4), and by encodings that keep the same share of
the synapses in each generation, so that the fourth has 48 times fewer, as published.
Prints a Markdown table of test measures: mean and standard deviation over the seeds. What a network
is worth shows beside the mean of all training masks, taken as the map of every picture.
What is finished is never done again: the same command goes on where it was.

    python benchmarks/saliency.py --data ecssd.zip --seeds 3 --out runs/saliency
"""

from __future__ import annotations

import argparse
import platform
import statistics
from pathlib import Path

import torch

import evoframe
from evoframe.strategies.task import saliency_metrics

SHARE = round((1 / 47.84) ** (1 / 3), 4)
"""Of the synapses in each of three generations, to have 47.84 times fewer in the end."""

ALIKE = ("environment.mode=calibrated", f"environment.retention={SHARE}")

ARMS = {
    "law": ("synaptic", ("environment.mode=multiplicative", "environment.retention=0.4")),
    "synaptic": ("synaptic", ALIKE),
    "uniform": ("uniform", ALIKE),
    "magnitude": ("magnitude", ALIKE),
}
"""Encoding and options of each arm."""


def main() -> None:
    """Run all arms and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, help="pictures with masks; drawn scenes if not given")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--ancestor-epochs", type=int, default=18)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--out", type=Path, required=True)
    settings = parser.parse_args()
    runs: dict[str, list[evoframe.Run]] = {arm: [] for arm in ARMS}
    for seed in range(settings.seeds):
        weights = ancestor(seed, settings)
        for arm, several in runs.items():
            several.append(evolve(arm, seed, weights, settings))
    print(
        f"torch {torch.__version__}, Python {platform.python_version()}, {platform.machine()}, "
        f"1 thread, {settings.seeds} seeds\n"
    )
    blind = mean_mask(runs["law"][0])
    for metric in ("f-max", "mae"):
        print_table(runs, metric)
        print(f"the mean mask of training, {metric}: {blind[metric]:.3f}\n")


def ancestor(seed: int, settings: argparse.Namespace) -> Path:
    """Train an ancestor and return the file of its weights."""
    folder = settings.out / f"ancestor-{seed}"
    epochs = f"ancestor.epochs={settings.ancestor_epochs}"
    run = run_or_resume(folder, settings, seed=seed, generations=1, options=[epochs])
    file = folder / "weights.pt"
    torch.save(run.network().state_dict(), file)
    return file


def evolve(arm: str, seed: int, weights: Path, settings: argparse.Namespace) -> evoframe.Run:
    """Evolve one ancestor with one arm."""
    encoding, options = ARMS[arm]
    folder = settings.out / f"{arm}-{seed}"
    given = [f"task.weights={weights.absolute()}", f"training.epochs={settings.epochs}"]
    return run_or_resume(folder, settings, seed=seed, encoding=encoding, options=[*given, *options])


def run_or_resume(
    folder: Path, settings: argparse.Namespace, *, options: list[str], **choices: object
) -> evoframe.Run:
    """Return a run of the recipe, from disk as far as it is there."""
    if (folder / "run.toml").exists():
        return evoframe.resume(folder)
    data = [f"task.data={settings.data.absolute()}"] if settings.data else []
    return evoframe.evolve(
        recipe="darwin-1606", out=folder, device="cpu", options=[*data, *options], **choices
    )


def mean_mask(run: evoframe.Run) -> dict[str, float]:
    """Return the test measures of a map that knows nothing of the picture it is for."""
    task = run.recipe.task
    (_, learned), (_, tested) = (
        next(iter(task.batches(split, batch_size=10_000))) for split in ("train", "test")
    )
    map_of_all = learned.double().mean(0).expand(len(tested), -1, -1)
    known = saliency_metrics.columns(map_of_all, tested)
    measured = saliency_metrics.of_all(known | {"loss": known["mae"]})
    return {name: one.value for name, one in measured.items()}


def print_table(runs: dict[str, list[evoframe.Run]], metric: str) -> None:
    """Print a metric of the test split by generation and arm."""
    print(f"| generation, {metric} | " + " | ".join(runs) + " |")
    print("|---" * (len(runs) + 1) + "|")
    for generation in range(1, 5):
        cells = [cell(several, generation, metric) for several in runs.values()]
        print(f"| {generation} | " + " | ".join(cells) + " |")
    print()


def cell(runs: list[evoframe.Run], generation: int, metric: str) -> str:
    """Return mean and standard deviation over the living, with their mean efficiency."""
    alive = [
        (run, one)
        for run in runs
        for one in run.individuals
        if one.generation == generation and one.fitness is not None
    ]
    if not alive:
        return "extinct"
    values = [one.fitness.test[metric].value for _, one in alive]
    efficiency = statistics.mean(run.efficiency(one) for run, one in alive)
    spread = f" ± {statistics.stdev(values):.3f}" if len(values) > 1 else ""
    lost = f", {len(runs) - len(alive)} of {len(runs)} extinct" if len(alive) < len(runs) else ""
    return f"{statistics.mean(values):.3f}{spread} ({efficiency:.1f}x{lost})"


if __name__ == "__main__":
    main()
