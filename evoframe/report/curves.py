"""Curves of a comparison as a Markdown table, and as a plot where matplotlib is installed."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from evoframe.kernel.individual import Metric
from evoframe.report.comparison import Curves

COLOURS = 10
"""How many matplotlib's cycle has; later arms have one of them again, and dashes."""


def markdown(curves: Curves, targets: Sequence[float]) -> str:
    """Return a table: a row for each arm, mean and standard deviation over seeds at each target."""
    metric = curves.metric
    seeds = len(curves.ancestors)
    title = f"{metric.name} on the {curves.split} split, {seeds} seed{'s' if seeds > 1 else ''}"
    head = ["arm", "epochs", *(f"{target:g}x fewer synapses" for target in targets)]
    lines = [
        f"{title}; ancestor {cell(curves.ancestors, seeds, metric)}.",
        "Best of each generation by validation; interpolated, linear in the logarithm of size.",
        "Epochs: of all descendants; dense trains once, as long as they and the ancestor.",
        "",
        _row(head),
        "|---" * len(head) + "|",
    ]
    for arm in curves.arms():
        cells = [cell(curves.at(arm, target), seeds, metric) for target in targets]
        lines.append(_row([arm, f"{curves.epochs[arm]:.0f}", *cells]))
    return "\n".join(lines) + "\n"


def plot(curves: Curves, file: Path) -> bool:
    """Draw value against synapses, a line for each arm; False where matplotlib is not installed."""
    if find_spec("matplotlib") is None:
        return False
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # heavy, and an extra
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    scale = 100 if curves.metric.share else 1
    for index, arm in enumerate(curves.arms()):
        for seed in sorted({p.seed for p in curves.points if p.arm == arm}):
            row = sorted(
                (p.efficiency, scale * p.value)
                for p in curves.points
                if p.arm == arm and p.seed == seed
            )
            sizes, values = zip(*row, strict=True)
            style = "-" if index < COLOURS else "--"
            (line,) = axes.plot(sizes, values, style, color=f"C{index}", marker=".", alpha=0.7)
            line.set_label("_" if seed else arm)  # an underscore keeps it out of the legend
    axes.set_xscale("log")
    axes.set_xlabel("times fewer synapses than the ancestor")
    unit = ", per cent" if scale == 100 else ""
    axes.set_ylabel(f"{curves.metric.name} ({curves.split}{unit})")
    axes.legend()
    axes.grid(visible=True, alpha=0.3)
    figure.savefig(file, dpi=150)
    return True


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def cell(values: Sequence[float], seeds: int, metric: Metric) -> str:
    """Return mean and standard deviation of values in words, and how many seeds have one.

    A dash stands where none has.
    """
    if not values:
        return "-"
    scale, digits = (100, 2) if metric.share else (1, 4)
    words = f"{scale * statistics.fmean(values):.{digits}f}"
    if len(values) > 1:
        words += f" ± {scale * statistics.stdev(values):.{digits}f}"
    words += " %" if metric.share else ""
    return words if len(values) == seeds else f"{words} ({len(values)} of {seeds})"
