"""Charts of a comparison: the metric against sizes, a colour for each arm."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from evoframe.kernel.sizes import HEADLINES
from evoframe.report.comparison import SIZES, Curves
from evoframe.report.curves import cell
from evoframe.report.page.drawing import Axis, Chart, Line, Mark, Text, polyline
from evoframe.report.page.scales import Scale, linear, logarithmic
from evoframe.report.page.words import tick_of_factor, tick_of_metric

COLOURS = 6
"""How many the style sheet has; later arms have one of them again, and dashes."""

WIDTH, HEIGHT = 360.0, 276.0
BOX = (52.0, 12.0, 350.0, 238.0)


def tone_of(index: int) -> str:
    """Return the classes of an arm's colour, by its number."""
    return f"a{index % COLOURS}" + (" dashed" if index >= COLOURS else "")


def chart_of(curves: Curves, targets: Sequence[float], size: str) -> Chart:
    """Return the metric against one size: a thin line a seed, means with bars at targets."""
    left, top, right, bottom = BOX
    fewer = [getattr(point, SIZES[size]) for point in curves.points]
    values = [point.value for point in curves.points] + list(curves.ancestors)
    x = logarithmic([one for one in fewer if one], left, right)
    y = linear(values, bottom, top)
    share = bool(curves.metric.share)
    lines, marks = [], []
    for index, arm in enumerate(curves.arms()):
        lines += _seeds(curves, arm, size, tone_of(index), x, y)
        for target in targets:
            if x.low <= target <= x.high and (at := curves.at(arm, target, size)):
                aside = 3.0 * (index - (len(curves.arms()) - 1) / 2)  # else bars hide each other
                place = round(x(target) + aside, 1)
                bar, mark = _mean(curves, f"{arm} at {target:g}x", at, tone_of(index), place, y)
                lines += bar
                marks.append(mark)
    what = HEADLINES[size]
    return Chart(
        name=f"arms-by-{size}",
        title=f"{curves.metric.name} against {what}, by arm",
        about=f"{len(curves.arms())} arms, {len(curves.ancestors)} seeds, each seed a thin line.",
        width=WIDTH,
        height=HEIGHT,
        box=BOX,
        x=Axis.of(f"times fewer {what} than the ancestor", x, tick_of_factor),
        y=Axis.of(
            f"{curves.metric.name}, {curves.split}", y, lambda one: tick_of_metric(one, share=share)
        ),
        lines=[_ancestor(curves, y), *lines],
        marks=marks,
        texts=[Text(left + 4, y(statistics.fmean(curves.ancestors)) - 5, "ancestor")],
    )


def _ancestor(curves: Curves, y: Scale) -> Line:
    at, words = statistics.fmean(curves.ancestors), "the ancestor"
    return Line(polyline([(BOX[0], y(at)), (BOX[2], y(at))]), "level", words)


def _seeds(curves: Curves, arm: str, size: str, tone: str, x: Scale, y: Scale) -> list[Line]:
    """Return a thin line for each seed."""
    found = []
    for seed in sorted({point.seed for point in curves.points if point.arm == arm}):
        row = sorted(
            (fewer, point.value)
            for point in curves.points
            if point.arm == arm and point.seed == seed and (fewer := getattr(point, SIZES[size]))
        )
        if row:
            path = polyline([(x(fewer), y(value)) for fewer, value in row])
            found.append(Line(path, f"seed {tone}", f"{arm}, seed {seed}"))
    return found


def _mean(
    curves: Curves, where: str, values: Sequence[float], tone: str, at: float, y: Scale
) -> tuple[list[Line], Mark]:
    """Return a dot at the mean over seeds, with a bar of their standard deviation."""
    mean = statistics.fmean(values)
    title = f"{where}: {cell(values, len(curves.ancestors), curves.metric)}"
    mark = Mark(at, y(mean), "dot", tone.partition(" ")[0], title, 4.5)
    if len(values) < 2:
        return [], mark
    spread = statistics.stdev(values)
    ends = [(at, y(mean + sign * spread)) for sign in (-1, 1)]
    return [Line(polyline(ends), f"arm {tone}", title)], mark
