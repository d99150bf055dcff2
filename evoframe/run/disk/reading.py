"""Reading: what the record of a run tells without any code that it names being run.

Run folders come from other people too. Whoever only looks at one must be safe from what it names.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from evoframe.config import files, references
from evoframe.config.convert import recipe_from
from evoframe.errors import DamagedError, EvoframeError
from evoframe.kernel.individual import Individual, Metric
from evoframe.registry import load_registry
from evoframe.roles import ROLE_TABLES
from evoframe.run.disk.record import METRICS, RECORD
from evoframe.run.disk.standing_in import metrics_of


def metrics_on_record(tables: files.Tables, individuals: Iterable[Individual]) -> list[Metric]:
    """Return the metrics of a run's task; the first is the primary one.

    Runs from before metrics were on record have those of a task by its name, if one is installed,
    or what was measured.

    Raises:
        RunError: nobody can tell which one is the primary one, or the record is damaged.
    """
    recorded = files.table(tables.get(RECORD, {}), RECORD)
    if METRICS in recorded:
        try:
            return [Metric.from_table(one) for one in recorded[METRICS]] or [Metric("")]
        except (AttributeError, KeyError, TypeError) as error:
            raise DamagedError(f"the metrics on record are {recorded[METRICS]!r}.") from error
    task = tables.get("task")
    if isinstance(task, Mapping) and not references.is_reference(str(task.get("use"))):
        try:
            return list(recipe_from({"task": task}, load_registry()).task.metrics)
        except EvoframeError:
            pass  # nobody here offers a task of that name
    return metrics_of(recorded, individuals)


def code_named(tables: files.Tables) -> list[str]:
    """Return the files and modules that a record names, besides what is installed by name."""
    named = [str(one) for one in files.table(tables.get("run", {}), "run").get("plugins", ())]
    for name in ROLE_TABLES:
        for entry in files.entries(tables.get(name), name):
            use = str(entry.get("use"))
            place = use.rpartition(":")[0]
            if references.is_reference(use) and not place.startswith("evoframe."):
                named.append(place)
    return list(dict.fromkeys(named))
