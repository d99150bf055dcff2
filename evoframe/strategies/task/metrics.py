"""The metrics of a task as people give them: functions, objects, and which way is better."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from evoframe.errors import TaskError, listing
from evoframe.kernel.individual import Metric
from evoframe.roles.measuring import require_names
from evoframe.roles.over_data_set import OverDataSet, is_updated, over_data_set

Measure = Callable[[Any, Any], Any]
"""Takes outputs and targets; returns a value for each example, the mean of the batch, or what a
metric over the data set keeps of it."""

UNITS: dict[str | None, bool | None] = {"share": True, "number": False, None: None}
"""What may be said of the unit of a metric, and whether it is a share then."""


def metrics_of(given: Mapping[str, Any]) -> tuple[dict[str, Measure], tuple[Metric, ...]]:
    """Return a function for each metric, and the metrics in their order.

    Objects with ``update``, ``compute`` and ``reset`` are metrics over the data set.

    Raises:
        TaskError: one is no metric, or its direction or its name will not do.
    """
    functions: dict[str, Measure] = {}
    directions = []
    require_names(list(given), "loaders")
    for name, entry in given.items():
        pair = entry if isinstance(entry, tuple) else (entry, _usual(entry))
        if len(pair) not in (2, 3) or not (callable(pair[0]) or is_updated(pair[0])):
            raise TaskError(
                f"metric {name!r} is {entry!r}; wanted a function of outputs and targets, an "
                'object with update(), compute() and reset(), (one of these, "min"), or (one of '
                'these, "min", "share").'
            )
        metric, direction, unit = (*pair, None)[:3]
        if isinstance(metric, type):
            raise TaskError(
                f"metric {name!r} is the class {metric.__name__}; wanted an object of it."
            )
        if direction not in ("max", "min"):
            raise TaskError(
                f"metric {name!r} has direction {direction!r}; wanted {listing(('max', 'min'))}."
            )
        if unit not in UNITS:
            raise TaskError(
                f"metric {name!r} has unit {unit!r}; wanted 'share', of which a drop counts in "
                "percentage points, or 'number'."
            )
        functions[name] = over_data_set(metric) if is_updated(metric) else metric
        is_loss = direction == "min" and name.endswith("loss")
        share = UNITS["number" if unit is None and is_loss else unit]
        directions.append(Metric(name, maximise=direction == "max", share=share))
    return functions, tuple(directions)


def _usual(metric: Any) -> str:
    """Return the direction of a metric of which none was said; torchmetrics' objects know it."""
    held = metric.metric if isinstance(metric, OverDataSet) else metric
    return "min" if getattr(held, "higher_is_better", None) is False else "max"
