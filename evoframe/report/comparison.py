"""Comparison: arms run over seeds, and accuracy read off at equal numbers of synapses.

A folder holds ``compare.json`` (what is compared), a run for each arm and seed, and, when all is
done, ``compare.md``, ``points.csv`` and ``compare.png``. What is finished is never done again.
"""

from __future__ import annotations

import csv
import json
import math
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs

from evoframe.config.convert import recipe_from
from evoframe.errors import ConfigError, RunError
from evoframe.kernel.individual import Fitness, Individual, Metric
from evoframe.kernel.population import rank
from evoframe.registry import Registry
from evoframe.report.arm_runs import Say, arm_runs_of, carry_all, founder_of, is_done
from evoframe.report.arms import Arm
from evoframe.run.disk.account import Account
from evoframe.run.disk.folder import RunFolder, write_atomically
from evoframe.run.run import Run
from evoframe.run.world import build_world


@attrs.frozen
class Point:
    """The best of a generation, by validation.

    Attributes:
        arm: of which arm.
        seed: of which seed.
        generation: of which generation.
        synapses: how many it has.
        efficiency: how many times fewer than the ancestor.
        bytes: of the network that is left, all its numbers stored densely.
        value: the primary metric on the test split, or on validation where there is no test.
        parameters: how many it has.
        fewer_parameters: how many times fewer than the ancestor.
        flops: of a forward pass; None where they are not known.
        fewer_flops: how many times fewer than the ancestor's.
    """

    arm: str
    seed: int
    generation: int
    synapses: int
    efficiency: float
    bytes: int
    value: float
    parameters: int = 0
    fewer_parameters: float = 1.0
    flops: int | None = None
    fewer_flops: float | None = None


SIZES = {"synapses": "efficiency", "parameters": "fewer_parameters", "flops": "fewer_flops"}
"""The sizes at which arms are compared, with the factor that a point has of each."""


@attrs.frozen
class Curves:
    """All points of a comparison.

    Attributes:
        points: by arm, seed and generation.
        metric: what their values are.
        split: on which split they were measured.
        epochs: mean epochs that the descendants of an arm were trained for, over seeds.
        ancestors: the ancestor's value for each seed.
        seconds: mean time that the lives of descendants of an arm took, over seeds.
        digests: of each run, by arm and seed.
    """

    points: tuple[Point, ...]
    metric: Metric
    split: str
    epochs: Mapping[str, float]
    ancestors: tuple[float, ...]
    seconds: Mapping[str, float] = attrs.field(factory=dict)
    digests: Mapping[tuple[str, int], tuple[str, ...]] = attrs.field(factory=dict)

    def arms(self) -> list[str]:
        """Return the names of arms in their order."""
        return list(dict.fromkeys(point.arm for point in self.points))

    def at(self, arm: str, target: float, size: str = "synapses") -> list[float]:
        """Return the value of each seed at a number of times fewer of a size, where it is known."""
        return list(self.by_seed(arm, target, size).values())

    def by_seed(self, arm: str, target: float, size: str = "synapses") -> dict[int, float]:
        """Return the values at a number of times fewer of a size, where known, by seed."""
        rows: dict[int, list[tuple[float, float]]] = {}
        for point in self.points:
            fewer = getattr(point, SIZES[size])
            if point.arm == arm and fewer is not None:
                rows.setdefault(point.seed, []).append((fewer, point.value))
        found = {seed: interpolated(row, target) for seed, row in sorted(rows.items())}
        return {seed: value for seed, value in found.items() if value is not None}


def compare(
    arms: Sequence[Arm], seeds: int, out: Path, registry: Registry, say: Say, *, jobs: int = 1
) -> Curves:
    """Run every arm with every seed and return the curves; goes on where it was.

    Args:
        arms: what is compared.
        seeds: runs of each arm, with the seeds from 0 on.
        out: the folder of the comparison.
        registry: where strategies are found.
        say: takes a line of progress when a run is finished.
        jobs: runs at the same time, each in a process of its own that loads what the recipe names,
            and lives one life after another, whatever the recipe's executor.

    Raises:
        RunError: the folder holds something else.
        EvoframeError: an arm cannot be run; what can be known beforehand is told beforehand.
    """
    founders = [founder_of(arms[0], seed, out) for seed in range(seeds)]
    arm_runs = [
        arm_run for founder in founders for arm in arms for arm_run in arm_runs_of(arm, founder)
    ]
    if not all(map(is_done, (*founders, *arm_runs))):
        for tables in (tables for arm in arms for tables in arm.recipes):
            # All mistakes of all arms are found before the first of them trains for hours.
            build_world(recipe_from(tables, registry), RunFolder(out.absolute()))
    _claim(out, {"arms": [_identity(arm) for arm in arms], "seeds": seeds})
    carry_all([founders, arm_runs], registry, say, jobs=jobs)
    runs: dict[tuple[str, int], list[Run]] = {}
    for arm_run in arm_runs:
        runs.setdefault((arm_run.arm, arm_run.seed), []).append(Run(arm_run.path))
    return _curves(runs)


def interpolated(points: Sequence[tuple[float, float]], target: float) -> float | None:
    """Return the value at a target between the two neighbours of it, linear in its logarithm.

    Args:
        points: pairs of efficiency and value, in any order; where several have one efficiency,
            their mean counts.
        target: the efficiency wanted; None comes back where it lies outside of all points.
    """
    known: dict[float, list[float]] = {}
    for efficiency, value in points:
        if math.isfinite(efficiency) and math.isfinite(value):
            known.setdefault(efficiency, []).append(value)
    below = [one for one in known if one <= target]
    above = [one for one in known if one >= target]
    if not below or not above:
        return None
    low, high = max(below), min(above)
    start, end = statistics.fmean(known[low]), statistics.fmean(known[high])
    if low == high:
        return start
    return start + (end - start) * math.log(target / low) / math.log(high / low)


def write_points(curves: Curves, file: Path) -> None:
    """Write every point as a row of comma-separated values."""
    with file.open("w", newline="") as lines:
        writer = csv.writer(lines)
        writer.writerow([field.name for field in attrs.fields(Point)])
        writer.writerows(attrs.astuple(point) for point in curves.points)


def _identity(arm: Arm) -> dict[str, Any]:
    """Return the identity of an arm: all but the words about its recipes."""
    return {"name": arm.name, "recipes": [{**one, "about": None} for one in arm.recipes]}


def _claim(out: Path, asked: object) -> None:
    """Make the folder, or find that it holds the same comparison."""
    file = out / "compare.json"
    text = json.dumps(asked, indent=1, sort_keys=True)
    if not file.exists():
        if out.exists() and (not out.is_dir() or any(out.iterdir())):
            raise RunError(f"{out} holds something, but no comparison. Name another --out.")
        try:
            out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RunError(f"the folder {out} cannot be made: {error}") from error
        write_atomically(file, text.encode())
    elif file.read_text() != text:
        raise RunError(
            f"{out} holds another comparison: other recipes, options, targets or seeds. Name "
            "another --out, or use the same arguments to resume it."
        )


def _curves(runs: Mapping[tuple[str, int], Sequence[Run]]) -> Curves:
    first = next(iter(runs.values()))[0]
    metric, ancestor = first.metric, first.ancestor.fitness
    assert ancestor is not None
    split = "test" if metric.name in ancestor.test else "validation"
    points: list[Point] = []
    epochs: dict[str, list[float]] = {}
    seconds: dict[str, list[float]] = {}
    for (arm, seed), several in runs.items():
        # Nothing of a dense network comes from its ancestor, which was never trained in that run.
        fresh = any(_uses(run, "narrow") for run in several)
        found = [p for run in several for p in _points(run, arm, seed, metric, split, fresh=fresh)]
        points += sorted(found, key=lambda point: (point.generation, point.synapses))
        epochs.setdefault(arm, []).append(statistics.fmean(_epochs(run) for run in several))
        seconds.setdefault(arm, []).append(statistics.fmean(_seconds(run) for run in several))
    spent = {arm: statistics.fmean(each) for arm, each in epochs.items()}
    start = next(iter(runs))[0]
    ancestors = [
        _value(run[0].ancestor.fitness, metric, split)
        for (arm, _), run in runs.items()
        if arm == start
    ]
    taken = {arm: statistics.fmean(each) for arm, each in seconds.items()}
    digests = {key: tuple(run.digest() for run in several) for key, several in runs.items()}
    return Curves(tuple(points), metric, split, spent, tuple(ancestors), taken, digests)


def _points(
    run: Run, arm: str, seed: int, metric: Metric, split: str, *, fresh: bool
) -> list[Point]:
    """Return the best of each generation; without the ancestor where nothing comes from it."""
    living: dict[int, list[Individual]] = {}
    for one in run.individuals:
        if one.is_alive and not (fresh and one.generation == 1):
            living.setdefault(one.generation, []).append(one)
    best = [min(alive, key=lambda one: rank(one, metric)) for _, alive in sorted(living.items())]
    return [_point(run, one, arm, seed, metric, split) for one in best]


def _point(run: Run, best: Individual, arm: str, seed: int, metric: Metric, split: str) -> Point:
    assert best.fitness is not None
    assert run.ancestor.fitness is not None
    costs, whole = best.fitness.costs, run.ancestor.fitness.costs
    flops = costs.get("flops")
    return Point(
        arm=arm,
        seed=seed,
        generation=best.generation,
        synapses=best.synapses,
        efficiency=run.efficiency(best),
        bytes=int(costs["bytes"]),
        value=_value(best.fitness, metric, split),
        parameters=int(costs["parameters"]),
        fewer_parameters=whole["parameters"] / max(costs["parameters"], 1.0),
        flops=None if flops is None else int(flops),
        fewer_flops=whole["flops"] / flops if flops and "flops" in whole else None,
    )


def _value(fitness: Fitness | None, metric: Metric, split: str) -> float:
    assert fitness is not None
    return (fitness.test if split == "test" else fitness.validation)[metric.name].value


def _seconds(run: Run) -> float:
    """Return the seconds that the lives of descendants took, together."""
    return sum(entry.seconds for entry in run.entries if entry.individual.origin == "offspring")


def _uses(run: Run, encoding: str) -> bool:
    """Tell whether a run has an encoding of this name, by its record alone."""
    return str(run.tables.get("encoding", {}).get("use")).rpartition(":")[2] == encoding


def _epochs(run: Run) -> float:
    """Return for how many epochs the descendants of a run, and siblings of them, were trained."""
    accounts = run.accounts()
    told = {name: one.epochs for name, one in accounts.items() if one.epochs is not None}
    unborn = sum(map(_of_siblings, accounts.values()))
    lived = [one.id for one in run.individuals if one.origin == "offspring" and one.is_alive]
    if all(one in told for one in lived):
        return sum(told[one] for one in lived) + unborn
    epochs = run.tables.get("training", {}).get("epochs", 0)
    if not isinstance(epochs, int):
        raise ConfigError(f"{run.path} has a training without epochs.")
    return epochs * len(lived) + unborn


def _of_siblings(account: Account) -> float:
    """Return for how many epochs siblings were trained that were not born."""
    last = {one.sibling: one for one in account.looks}
    return sum(one.epochs for one in last.values() if not one.born)
