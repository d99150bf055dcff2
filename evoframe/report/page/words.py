"""Words: figures as people read them on a page."""

from __future__ import annotations

import math
from collections.abc import Sequence

from evoframe.kernel.individual import Individual, Measurement, Metric
from evoframe.kernel.sizes import fewer_in_words
from evoframe.report.page.facts import Facts
from evoframe.report.tables import times

NONE = "-"
"""What stands where there is no figure."""


def factor(value: float) -> str:
    """Return a factor: 1.0x, 46.5x, 258x."""
    return times(value) if math.isfinite(value) else "all gone"


def tick_of_factor(value: float) -> str:
    """Return a factor as an axis has it: 1x, 1.5x, 20x, 1000x."""
    return f"{value:g}x"


def tick_of_metric(value: float, *, share: bool) -> str:
    """Return a value of a metric as an axis has it: 92 %, 0.31."""
    return f"{100 * value:.6g} %" if share else f"{value:.6g}"


def count(value: float) -> str:
    """Return a whole number with commas."""
    return f"{value:,.0f}"


def duration(seconds: float) -> str:
    """Return a time in one or two units: 0.52 s, 12.3 s, 4 min 10 s, 2 h 5 min."""
    if seconds < 60:
        return f"{seconds:.2f} s" if seconds < 9.995 else f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def milliseconds(median: float, spread: float) -> str:
    """Return a time of a forward pass with the distance of its quartiles, in milliseconds."""
    digits = min(max(3 - math.floor(math.log10(max(median * 1e3, 1e-9))) - 1, 0), 5)
    return f"{median * 1e3:.{digits}f} ± {spread * 1e3:.{digits}f} ms"


def measured(one: Individual, metric: Metric, split: str = "validation") -> str:
    """Return a metric of somebody with its standard error, or a dash."""
    found: dict[str, Measurement] = {} if one.fitness is None else getattr(one.fitness, split)
    return metric.in_words(found[metric.name]) if metric.name in found else NONE


def listed(names: Sequence[str], most: int = 3) -> str:
    """Return names with commas, the first few of them, and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    shown = list(names[:most])
    if not more and len(shown) > 1:
        return f"{', '.join(shown[:-1])} and {shown[-1]}"
    return ", ".join(shown) + more


def somebody(facts: Facts, one: Individual) -> str:
    """Return a tool tip on an individual: who it is, its metric, how many times smaller."""
    how = f"{one.id} of {', '.join(one.parents)}" if one.parents else f"{one.id}, the ancestor"
    if one.fitness is None:
        return f"{how}: stillborn, {one.stillborn}"
    # Without synapses: there is a tip for everybody, and what a page weighs is counted.
    costs = {name: value for name, value in one.fitness.costs.items() if name != "synapses"}
    fewer = fewer_in_words(costs, facts.costs(facts.ancestor)) if one.parents else ""
    return f"{how}: {measured(one, facts.metric)}" + (f"; {fewer}" if fewer else "")
