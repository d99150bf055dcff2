"""What each built-in recipe costs, as measured: ``prices.toml`` beside this file.

It is written by ``benchmarks/prices.py``. A price is of one recipe as it was then: its digest says
whether it still is.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from importlib import resources
from typing import Any

import attrs

from evoframe.config import files


@attrs.frozen
class Price:
    """What a run of a recipe cost, and what came of it; or why that was not measured.

    Attributes:
        recipe: digest of all that decides the run.
        unmeasured: why there are no figures; empty if there are some.
        command: that was run, with its seed.
        seed: of the run.
        machine: the processor, and how much of it.
        version: of evoframe and of torch.
        cpu_seconds: of all threads and processes.
        peak_megabytes: of memory, the largest that one process held.
        metric: the primary one, of the delivered network on test data, in words.
        ancestor: the same of the ancestor.
        synapses: times fewer than the ancestor has.
        parameters: times fewer.
    """

    recipe: str
    unmeasured: str = ""
    command: str = ""
    seed: int = 0
    machine: str = ""
    version: str = ""
    cpu_seconds: float = 0.0
    peak_megabytes: float = 0.0
    metric: str = ""
    ancestor: str = ""
    synapses: float = 0.0
    parameters: float = 0.0


def prices() -> dict[str, Price]:
    """Return the price of every built-in recipe, by name; notes have none."""
    text = (resources.files("evoframe") / "config" / "prices.toml").read_text("utf-8")
    return {name: Price(**given) for name, given in tomllib.loads(text).items()}


def digest_of(tables: files.Tables) -> str:
    """Return a digest of all that decides a run of a recipe, which is all but what it says of it.

    Args:
        tables: of the recipe.
    """
    deciding: dict[str, Any] = {key: held for key, held in tables.items() if key != "about"}
    text = json.dumps(deciding, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
