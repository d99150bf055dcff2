"""What trackers are told: the numbers of a generation, by series and name.

There is a series for each place in a generation, and one for the best of every generation. Names
are ``validation/accuracy``, ``test/accuracy``, ``costs/synapses`` and so on.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Any

from evoframe.plugin import ConfigError, Fitness, GenerationFinished


def series(event: GenerationFinished) -> Iterator[tuple[str, dict[str, float]]]:
    """Yield the numbers of every living individual, and again those of the best."""
    for one in event.individuals:
        if one.fitness is not None:
            yield f"slot-{one.place}", figures(one.fitness)
            if one.id == event.best:
                yield "best", figures(one.fitness)


def figures(fitness: Fitness) -> dict[str, float]:
    """Return everything that was measured of an individual."""
    measured = {"validation": fitness.validation, "test": fitness.test}
    found = {
        f"{split}/{name}": one.value for split, values in measured.items()
        for name, one in values.items()
    }  # fmt: skip
    return found | {f"costs/{name}": float(value) for name, value in fitness.costs.items()}


def alive(event: GenerationFinished) -> int:
    """Return how many of a generation live."""
    return sum(one.is_alive for one in event.individuals)


def needed(module: str, package: str) -> Any:
    """Return a tracker's own module; it is imported late, because only who names it needs it.

    Raises:
        ConfigError: it is not installed, and how to get it.
    """
    try:
        return import_module(module)
    except ImportError as error:
        raise ConfigError(
            f"the package {package} is not there ({error}). "
            f"Try `pip install evoframe-tracking[{package}]`."
        ) from error
