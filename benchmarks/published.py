"""What the papers published on MNIST, beside a comparison of their recipes on this machine.

    evoframe compare mating-1709 asexual-1709 cluster-1609 genetag-1811 --out runs/papers
    python benchmarks/published.py runs/papers --plot papers.png

prints Markdown: for each recipe with a published curve a table by generation, and for every arm
accuracy at equal storage, beside what the figures of 1811.07966 show there. Ours is the best of a
generation by validation: mean and standard deviation over seeds, sizes as geometric means.
The published values of 1709.02043 and 1811.07966 are read off figures (of the first, the end points
stand in the text), those of 1609.01360 are recalled. What ours were trained on and for how long
stands in the comparison, not here.
"""

from __future__ import annotations

import argparse
import csv
import statistics
from collections.abc import Sequence
from pathlib import Path

from cattrs import structure

from evoframe.kernel.individual import Metric
from evoframe.report.comparison import Point, interpolated
from evoframe.report.curves import cell

ACCURACY = Metric("accuracy", share=True)

Series = dict[int, tuple[float, float]]
"""By generation: times fewer synapses, and accuracy."""

PUBLISHED: dict[str, Series] = {
    "mating-1709": {
        1: (1, 0.9947), 2: (1.7, 0.9945), 3: (5.0, 0.9944), 4: (15.9, 0.9940),
        5: (13.9, 0.9933), 6: (28.6, 0.9892), 7: (79, 0.9853), 8: (258.37, 0.9742),
    },
    "asexual-1709": {
        1: (1, 0.9947), 2: (1.6, 0.9947), 3: (2.5, 0.9939), 4: (3.7, 0.9940), 5: (5.4, 0.9937),
        6: (8.4, 0.9939), 7: (13.4, 0.9911), 8: (20.3, 0.9918), 9: (33, 0.9899), 10: (51, 0.9864),
        11: (76, 0.9825), 12: (120, 0.9810), 13: (139, 0.9713),
    },
    "cluster-1609": {1: (1, 0.9947), 5: (5.20, 0.9941), 13: (125.09, 0.9775)},
}  # fmt: skip

SOURCES = {
    "mating-1709": "read off a figure",
    "asexual-1709": "read off a figure",
    "cluster-1609": "recalled",
}
"""How sure we are of each."""

STORAGE = {
    100e3: "97.6 % and more",
    50e3: "96.5 %",
    25e3: "95 %",
    12e3: "89 to 92 %",
    7e3: "48 to 84 %",
}
"""Accuracy at a number of bytes over all settings of 1811.07966, on 10 % of MNIST."""


def main() -> None:
    """Print the tables, and draw the plot where it is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="a finished comparison")
    parser.add_argument("--plot", type=Path, help="where to draw the published and our curves")
    asked = parser.parse_args()
    points = read(asked.folder / "points.csv")
    for arm, series in PUBLISHED.items():
        if any(point.arm == arm for point in points):
            print("\n".join(by_generation(arm, series, points)))
    print("\n".join(by_storage(points)))
    if asked.plot:
        draw(points, asked.plot)


def read(file: Path) -> list[Point]:
    """Return the points of a comparison."""
    with file.open() as lines:
        return [structure(row, Point) for row in csv.DictReader(lines)]


def by_generation(arm: str, series: Series, points: Sequence[Point]) -> list[str]:
    """Return a table of a recipe, generation after generation."""
    published = f"published ({SOURCES[arm]}): fewer synapses"
    lines = [
        f"\n`{arm}`\n",
        f"| generation | {published} | accuracy | ours: fewer synapses | accuracy |",
        "|---|---|---|---|---|",
    ]
    mine = [point for point in points if point.arm == arm]
    seeds = len({point.seed for point in mine})
    for generation in sorted({point.generation for point in mine} | set(series)):
        then = "- | -"
        if generation in series:
            fewer, share = series[generation]
            then = f"{times(fewer)} | {100 * share:.2f} %"
        here = [point for point in mine if point.generation == generation]
        accuracy = cell([point.value for point in here], seeds, ACCURACY)
        lines.append(f"| {generation} | {then} | {size_in_words(here)} | {accuracy} |")
    return lines


def by_storage(points: Sequence[Point]) -> list[str]:
    """Return a table of all arms at equal numbers of bytes."""
    lines = [
        "\nAt equal storage\n",
        "| bytes | " + " | ".join(f"{size / 1e3:g} kB" for size in STORAGE) + " |",
        "|---" * (1 + len(STORAGE)) + "|",
        "| 1811.07966 (read off figures) | " + " | ".join(STORAGE.values()) + " |",
    ]
    seeds = {point.seed for point in points}
    for arm in dict.fromkeys(point.arm for point in points):
        cells = []
        for size in STORAGE:
            rows = [[p for p in points if p.arm == arm and p.seed == seed] for seed in seeds]
            found = [interpolated([(p.bytes, p.value) for p in row], size) for row in rows]
            cells.append(cell([one for one in found if one is not None], len(seeds), ACCURACY))
        lines.append(f"| `{arm}` | " + " | ".join(cells) + " |")
    return lines


def times(fewer: float) -> str:
    """Return how many times fewer, to three figures."""
    return f"{fewer:.0f}x" if fewer >= 100 else f"{fewer:.3g}x"


def size_in_words(here: Sequence[Point]) -> str:
    """Return how many times fewer synapses some points have."""
    return times(statistics.geometric_mean([p.efficiency for p in here])) if here else "-"


def draw(points: Sequence[Point], file: Path) -> None:
    """Draw accuracy against size: arms as lines over seeds' means, what was published dashed."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for index, arm in enumerate(dict.fromkeys(point.arm for point in points)):
        sizes, values = zip(*means([p for p in points if p.arm == arm]), strict=True)
        if arm == "dense":  # networks of other sizes with each seed: points, and no curve
            axes.plot(sizes, values, "k.", label=arm)
        else:
            axes.plot(sizes, values, color=f"C{index}", marker=".", label=arm)
        if arm in PUBLISHED:
            sizes, values = zip(*PUBLISHED[arm].values(), strict=True)
            shares = [100 * value for value in values]
            label = f"{arm}, published ({SOURCES[arm]})"
            axes.plot(sizes, shares, "x--", color=f"C{index}", label=label)
    axes.set_xscale("log")
    axes.set_xlabel("times fewer synapses than the ancestor")
    axes.set_ylabel("test accuracy, per cent")
    axes.set_xlim(0.9, 1000)
    axes.set_ylim(70, 100)
    axes.grid(visible=True, alpha=0.3)
    axes.legend(fontsize="small", ncols=2, loc="lower left")
    figure.savefig(file, dpi=110)


def means(points: Sequence[Point]) -> list[tuple[float, float]]:
    """Return size and accuracy of each generation over the seeds, or of each size of `dense`."""
    if points[0].arm == "dense":
        return sorted((p.efficiency, 100 * p.value) for p in points)
    found = []
    for generation in sorted({p.generation for p in points}):
        here = [p for p in points if p.generation == generation]
        size = statistics.geometric_mean([p.efficiency for p in here])
        found.append((size, 100 * statistics.fmean([p.value for p in here])))
    return found


if __name__ == "__main__":
    main()
