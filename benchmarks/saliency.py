"""Deep Learning with Darwin on real pictures: the paper's law beside chance and magnitude.

For each seed one narrow ancestor is trained from nothing, and four generations are evolved from it:
by the paper's law as it stands (P times 0.4), and by encodings that keep the same share of
the synapses in each generation, so that the fourth has 48 times fewer, as published.
Prints a Markdown table of test measures: mean and standard deviation over the seeds. What a network
is worth shows beside the mean of all training masks, taken as the map of every picture.
What is finished is never done again: the same command goes on where it was.

    python benchmarks/saliency.py --data ecssd.zip --seeds 3 --out runs/saliency

At full width, the network has 62.7 million synapses that evolve, and wants a GPU. ``--only`` takes
one seed, and ``--arms`` some arms, so that several processes can share one; the tables are printed
by a last call without ``--only``.

    python benchmarks/saliency.py --data ecssd.zip --width 1 --device cuda --seeds 3 \
        --ancestor-learning-rate 0.0003 --learning-rate 0.001 \
        --arms law synaptic cold magnitude --out runs/full
"""

from __future__ import annotations

import argparse
import platform
import statistics
from pathlib import Path

import torch

import evoframe
from evoframe.kernel import device as devices
from evoframe.strategies.task import saliency_metrics

SHARE = round((1 / 47.84) ** (1 / 3), 4)
"""Of the synapses in each of three generations, to have 47.84 times fewer in the end."""

ALIKE = ("environment.mode=calibrated", f"environment.retention={SHARE}")

ARMS = {
    "law": ("synaptic", ("environment.mode=multiplicative", "environment.retention=0.4")),
    "synaptic": ("synaptic", ALIKE),
    "cold": ("synaptic", (*ALIKE, "encoding.temperature=0.1")),
    "uniform": ("uniform", ALIKE),
    "magnitude": ("magnitude", ALIKE),
}
"""Encoding and options of each arm."""

USUAL = ("law", "synaptic", "uniform", "magnitude")
"""The arms that are run unless others are named."""


def main() -> None:
    """Run all arms and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, help="pictures with masks; drawn scenes if not given")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", type=int, help="a seed: nothing is printed, others are not run")
    parser.add_argument("--arms", nargs="*", choices=ARMS, default=USUAL)
    parser.add_argument("--ancestor-epochs", type=int, default=18)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--learning-rate", type=float, default=0.003)
    parser.add_argument("--ancestor-learning-rate", type=float, help="if it is another one")
    parser.add_argument("--options", nargs="*", default=[], help="of every run, as TABLE.KEY=VALUE")
    parser.add_argument("--width", type=float, default=0.125)
    parser.add_argument("--image-size", type=int, default=64)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--out", type=Path, required=True)
    settings = parser.parse_args()
    runs: dict[str, list[evoframe.Run]] = {arm: [] for arm in settings.arms}
    for seed in range(settings.seeds) if settings.only is None else [settings.only]:
        weights = ancestor(seed, settings)
        for arm, several in runs.items():
            several.append(evolve(arm, seed, weights, settings))
    if settings.only is not None:
        return
    device = devices.describe(devices.resolve(settings.device))
    print(
        f"{device}, torch {torch.__version__}, Python {platform.python_version()}, "
        f"{platform.machine()}, 1 CPU thread, {settings.seeds} seeds\n"
    )
    blind = mean_mask(next(iter(runs.values()))[0])
    for metric in ("f-max", "mae"):
        print_table(runs, metric)
        print(f"the mean mask of training, {metric}: {blind[metric]:.3f}\n")


def ancestor(seed: int, settings: argparse.Namespace) -> Path:
    """Train an ancestor and return the file of its weights."""
    folder = settings.out / f"ancestor-{seed}"
    file = folder / "weights.pt"
    if not file.exists():
        given = [
            f"ancestor.epochs={settings.ancestor_epochs}",
            f"ancestor.learning_rate={settings.ancestor_learning_rate or settings.learning_rate}",
        ]
        run = run_or_resume(folder, settings, seed=seed, generations=1, options=given)
        torch.save(run.network().state_dict(), file)
    return file


def evolve(arm: str, seed: int, weights: Path, settings: argparse.Namespace) -> evoframe.Run:
    """Evolve one ancestor with one arm."""
    encoding, options = ARMS[arm]
    folder = settings.out / f"{arm}-{seed}"
    given = [
        f"task.weights={weights.absolute()}",
        f"training.epochs={settings.epochs}",
        f"training.learning_rate={settings.learning_rate}",
    ]
    return run_or_resume(folder, settings, seed=seed, encoding=encoding, options=[*given, *options])


def run_or_resume(
    folder: Path, settings: argparse.Namespace, *, options: list[str], **choices: object
) -> evoframe.Run:
    """Return a run of the recipe, from disk as far as it is there."""
    if (folder / "run.toml").exists():
        return evoframe.resume(folder)
    given = [
        f"task.width={settings.width}",
        f"task.image_size={settings.image_size}",
    ]
    if settings.data:
        given.append(f"task.data={settings.data.absolute()}")
    return evoframe.evolve(
        recipe="darwin-1606",
        out=folder,
        device=settings.device,
        options=[*given, *settings.options, *options],
        **choices,
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
