"""Individuals of a run described for other programs: as JSON, and as rows of a table."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import attrs
import numpy as np
from torch import Tensor

from evoframe.errors import RunError
from evoframe.kernel.individual import Individual, Measurement
from evoframe.kernel.judged import Judged, passes
from evoframe.kernel.sizes import factors
from evoframe.run.disk.account import Account
from evoframe.run.disk.entry import Entry

MOST = 1000
"""How many numbers of an array are told one by one."""

FEW = 6
"""How many of them a line for people shows."""


def described(one: Individual, efficiency: float) -> dict[str, Any]:
    """Return all there is to say of an individual, as JSON has it.

    Args:
        one: who it is.
        efficiency: how many times fewer synapses it has than the ancestor.
    """
    fitness = one.fitness
    return {
        "id": one.id,
        "generation": one.generation,
        "place": one.place,
        "parents": list(one.parents),
        "origin": str(one.origin),
        "synapses": one.synapses,
        "efficiency": None if fitness is None else efficiency,
        "costs": {} if fitness is None else dict(fitness.costs),
        "metrics": _measured(one, "value"),
        "errors": _measured(one, "error"),
        "stillborn": one.stillborn or None,
        "overtaken": one.overtaken,
        "notes": {name: plain(value) for name, value in one.notes.items()},
    }


def plain(value: Any) -> Any:
    """Return a value that a run keeps as JSON has it: arrays as lists, large ones as their size.

    Numbers that are not finite are None, as JSON has no word for them.
    """
    if isinstance(value, Tensor | np.ndarray):
        if math.prod(value.shape) > MOST:
            kind = str(value.dtype).removeprefix("torch.")
            return {"numbers": kind, "shape": list(value.shape)}
        return plain(value.tolist())
    if isinstance(value, Mapping):
        return {str(name): plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    return _finite(value) if isinstance(value, float) else value


def in_words(value: Any) -> str:
    """Return a value that a run keeps in a few words for people."""
    if isinstance(value, Tensor | np.ndarray):
        kind, size = str(value.dtype).removeprefix("torch."), "x".join(map(str, value.shape))
        shown = ", ".join(f"{one:.4g}" for one in value.reshape(-1)[:FEW].tolist())
        more = ", ..." if math.prod(value.shape) > FEW else ""
        return f"[{shown}{more}] ({kind}, {size})"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def training_in_json(account: Account, rungs: Sequence[Entry]) -> dict[str, Any]:
    """Return the record of an individual's training as JSON has it.

    Args:
        account: of its life.
        rungs: how it stood on each rung of its generation, if that had some.
    """
    stood = [
        {
            "epochs": None if one.account is None else _finite(one.account.epochs),
            "metrics": _measured(one.individual, "value"),
        }
        for one in rungs
    ]
    return {"epochs": _finite(account.epochs), **({"rungs": stood} if stood else {})}


def litter_in_json(looks: Sequence[Judged]) -> dict[str, Any]:
    """Return the looks at the siblings of an individual as JSON has them; empty without any."""
    if not looks:
        return {}
    told = [attrs.asdict(one) | {"score": _finite(one.score)} for one in looks]
    born = next((one.sibling for one in looks if one.born), None)
    count = len({one.sibling for one in looks})
    return {"litter": {"born": born, "siblings": count, "passes": passes(looks), "looks": told}}


def frame(entries: tuple[Entry, ...]) -> Any:
    """Return a pandas table with a row for each individual, in order.

    Raises:
        RunError: pandas is not installed.
    """
    try:
        import pandas as pd  # nothing else needs it
    except ImportError as error:
        raise RunError(
            "run.frame() needs pandas, which is not installed. Try `pip install pandas`, or take "
            "run.as_json(), which needs nothing."
        ) from error
    ancestor = entries[0].individual if entries else None
    return pd.DataFrame([_row(entry, ancestor) for entry in entries])


def _row(entry: Entry, ancestor: Individual | None) -> dict[str, Any]:
    one = entry.individual
    costs = dict(one.fitness.costs) if one.fitness else {}
    whole = ancestor.fitness.costs if ancestor and ancestor.fitness else {}
    times = {f"{name}_factor": value for name, value in factors(costs, whole).items()}
    errors = {f"{name}_error": value for name, value in _measured(one, "error").items()}
    return {
        "id": one.id,
        "generation": one.generation,
        "place": one.place,
        "parents": " ".join(one.parents),
        "origin": str(one.origin),
        "seconds": entry.seconds,
        **_measured(one, "value"),
        **errors,
        **costs,
        **times,
        "stillborn": one.stillborn,
    }


def _measured(one: Individual, part: str) -> dict[str, float | None]:
    """Return validation metrics under their names and test metrics under ``test_`` names."""
    if one.fitness is None:
        return {}
    named: dict[str, Measurement] = {**one.fitness.validation}
    named |= {f"test_{name}": value for name, value in one.fitness.test.items()}
    return {name: _finite(getattr(value, part)) for name, value in named.items()}


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def is_sound_throughout(one: Individual) -> bool:
    """Tell whether an individual lives and all its metrics are finite."""
    measured: Mapping[str, Measurement] = one.fitness.validation if one.fitness else {}
    return one.is_alive and all(math.isfinite(metric.value) for metric in measured.values())
