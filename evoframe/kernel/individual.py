"""Individual: one network of a run as a record, without its weights."""

from __future__ import annotations

import math
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import attrs

from evoframe.kernel.notes import NONE, Notes

COSTS = ("synapses", "bundles", "parameters", "bytes", "flops", "activations")
"""The sizes of an individual, smaller is better; ``activations`` are peak bytes."""


class Origin(StrEnum):
    """How an individual came to be."""

    ANCESTOR = "ancestor"
    OFFSPRING = "offspring"
    ELITE = "elite"


@attrs.frozen
class Measurement:
    """A number that was measured on data, with its sampling error.

    Attributes:
        value: the mean over the examples, or what is computed of all of them.
        error: its standard error; None where it cannot be told.
    """

    value: float
    error: float | None = None


@attrs.frozen
class Metric:
    """What a number measures and which way is better.

    Attributes:
        name: of the number.
        maximise: whether more is better.
        share: whether it is a share of one, which is told in per cent and whose drop is told in
            percentage points; None if the task has not said so.
    """

    name: str
    maximise: bool = True
    share: bool | None = attrs.field(default=None, eq=False)

    def beside(self, reference: float) -> Metric:
        """Return the metric with its unit, one for all values of a run.

        Where the task has not said whether it is a share, it is one if more is better and the
        ancestor has from 0 to 1.
        """
        said = self.share is not None
        found = self.share if said else self.maximise and 0 <= reference <= 1
        return Metric(self.name, self.maximise, found)

    def in_table(self) -> dict[str, str | bool]:
        """Return the table that a record holds of the metric: what a task has said of it."""
        said = {} if self.share is None else {"share": self.share}
        return {"name": self.name, "maximise": self.maximise, **said}

    @classmethod
    def from_table(cls, said: Mapping[str, Any]) -> Metric:
        """Return the metric of a record.

        Raises:
            KeyError: it lacks its name or its direction.
            TypeError: one of its entries is of another type.
        """
        name, maximise, share = said["name"], said["maximise"], said.get("share")
        if not (isinstance(name, str) and isinstance(maximise, bool)):
            raise TypeError(f"a metric is {said!r}")
        return cls(name, maximise, None if share is None else bool(share))

    def sort_value(self, value: float) -> float:
        """Return a number that is larger for better values; one that is not finite is the worst."""
        if not math.isfinite(value):
            return -math.inf
        return value if self.maximise else -value

    def in_words(self, measured: Measurement) -> str:
        """Return a value with its standard error for people; of a share in per cent."""
        value, error = measured.value, measured.error
        if self.share:
            return f"{100 * value:.1f}" + ("" if error is None else f" ± {100 * error:.1f}") + " %"
        return f"{value:.4f}" + ("" if error is None else f" ± {error:.4f}")

    def drop(self, value: float, reference: float) -> float:
        """Return the drop from ``reference`` to ``value``, in the metric's own unit."""
        return reference - value if self.maximise else value - reference


@attrs.frozen
class Fitness:
    """All that was measured of one individual.

    Attributes:
        validation: the metrics that selection may see.
        test: the same on examples that nothing but the report ever sees; may be empty.
        costs: sizes: ``synapses``, ``bundles``, ``parameters``, ``bytes``, and where they are known
            ``flops`` and ``activations`` (peak bytes).
    """

    validation: Mapping[str, Measurement]
    test: Mapping[str, Measurement]
    costs: Mapping[str, float]

    def value(self, name: str) -> float:
        """Return a validation metric or a cost by name; NaN where there is none."""
        if name in self.validation:
            return self.validation[name].value
        return float(self.costs.get(name, math.nan))


@attrs.frozen
class Individual:
    """One network of a run.

    Attributes:
        id: unique in the run, e.g. ``g3s1``.
        generation: 1 is the ancestor's, as in the papers.
        place: in its generation, from 0; the last number of its id.
        parents: ids of the individuals it descends from.
        origin: how it came to be.
        key: path of the key its life was drawn from.
        genotype_id: the individual whose stored genotype it carries (an elite carries its
            parent's); empty when stillborn.
        fitness: what was measured; None when stillborn.
        stillborn: why it could not live; empty for the living.
        overtaken: epochs after which its generation went on without it; None if it did not.
        notes: what it carries beside its genotype; read-only, by name.
    """

    id: str
    generation: int
    place: int
    parents: tuple[str, ...]
    origin: Origin
    key: str
    genotype_id: str = ""
    fitness: Fitness | None = None
    stillborn: str = ""
    overtaken: float | None = None
    notes: Notes = attrs.field(default=NONE, converter=Notes)

    @property
    def is_alive(self) -> bool:
        """Whether it can be a parent."""
        return self.fitness is not None

    @property
    def synapses(self) -> int:
        """How many synapses it has; 0 when stillborn."""
        return int(self.fitness.costs["synapses"]) if self.fitness else 0


def identifier(generation: int, place: int) -> str:
    """Return the id of an individual: where it was born."""
    return f"g{generation}s{place}"


ANCESTOR = identifier(1, 0)
"""The id of a run's ancestor."""
