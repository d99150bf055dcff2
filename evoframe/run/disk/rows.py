"""Rows: individuals as they stand in the journal, read strictly, as damage may leave anything."""

from __future__ import annotations

import json
import math
import sqlite3
from collections.abc import Mapping
from typing import Any

from evoframe.kernel.individual import ANCESTOR, Fitness, Individual, Measurement, Origin
from evoframe.run.disk.folder import NAME

Row = sqlite3.Row | Mapping[str, Any]
"""Values by the names of columns, as they were read or are written."""


def row_of(one: Individual) -> dict[str, Any]:
    """Return an individual as a row, by the names of its columns."""
    return {
        "id": one.id,
        "generation": one.generation,
        "slot": one.place,
        "parents": json.dumps(one.parents),
        "origin": str(one.origin),
        "key": one.key,
        "genotype": one.genotype_id,
        "fitness": fitness_text(one.fitness),
        "stillborn": one.stillborn,
    }


def individual_of(row: Row) -> Individual:
    """Return the individual of a row.

    Raises:
        ValueError, TypeError, KeyError, AttributeError, RecursionError: the row is damaged.
    """
    fitness = typed(row, "fitness", str | None)
    one = Individual(
        id=typed(row, "id", str),
        generation=typed(row, "generation", int),
        place=typed(row, "slot", int),
        parents=tuple(_named(parent) for parent in json.loads(typed(row, "parents", str))),
        origin=Origin(row["origin"]),
        key=typed(row, "key", str),
        genotype_id=typed(row, "genotype", str),
        fitness=None if fitness is None else _fitness(json.loads(fitness)),
        stillborn=typed(row, "stillborn", str),
    )
    if _named(one.id) != f"g{one.generation}s{one.place}":
        raise ValueError(f"it is of generation {one.generation} and place {one.place}")
    if (one.id == ANCESTOR) != (one.origin is Origin.ANCESTOR):
        raise ValueError(f"its origin is {one.origin}")
    if (one.fitness is None) != (one.genotype_id == ""):
        raise ValueError("it has a genotype or a fitness without the other")
    if one.genotype_id:
        _named(one.genotype_id)
    return one


def typed(row: Row, column: str, kind: Any) -> Any:
    """Return the value of a column, of the type it must have; SQLite would take anything.

    Raises:
        TypeError: it is of another.
    """
    if not isinstance(row[column], kind):
        raise TypeError(f"{column} is {row[column]!r}")
    return row[column]


def fitness_text(fitness: Fitness | None) -> str | None:
    """Return a fitness as text."""
    if fitness is None:
        return None
    told = {
        "validation": _told(fitness.validation),
        "test": _told(fitness.test),
        "costs": dict(fitness.costs),
    }
    # repr of a float is exact, and JSON uses it: what is read back is what was written.
    return json.dumps(told, sort_keys=True)


def _told(measured: Mapping[str, Measurement]) -> dict[str, Any]:
    return {name: {"value": one.value, "error": one.error} for name, one in measured.items()}


def _named(name: Any) -> str:
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no id")
    return name


def _fitness(data: Mapping[str, Any]) -> Fitness:
    measured = {
        split: {str(name): _measurement(**values) for name, values in data[split].items()}
        for split in ("validation", "test")
    }
    costs = {str(name): _number(value) for name, value in data["costs"].items()}
    if not math.isfinite(costs["synapses"]):
        raise ValueError(f"its synapses are {costs['synapses']}")
    return Fitness(measured["validation"], measured["test"], costs)


def _measurement(value: Any, error: Any = None) -> Measurement:
    return Measurement(_number(value), None if error is None else _number(error))


def _number(value: Any) -> Any:
    if type(value) not in (int, float):
        raise TypeError(f"{value!r} is no number")
    float(value)  # a whole number may be too large for one
    return value
