"""Novelty search over genotypes: the most dissimilar of those that are good enough are parents.

Chosen as ``--training novelty.py:Portrayed --selection novelty.py:Novelty``.
"""

from __future__ import annotations

from typing import Any, ClassVar

import attrs
import numpy as np

from evoframe.plugin import (
    Context,
    Family,
    Gradient,
    Individual,
    Phenotype,
    Population,
    Selection,
    TrainingResult,
    doc,
)


@attrs.frozen
class Portrayed(Gradient):
    """Trains like 'gradient', and notes which rows of each layer the network has."""

    name: ClassVar[str] = "portrayed"

    def train(self, phenotype: Phenotype, context: Context) -> TrainingResult:
        """Return the trained network with its portrait, in the ancestor's coordinates."""
        result = Gradient.train(self, phenotype, context)
        masks = context.anatomy.absorb(result.phenotype).masks
        rows = [mask.reshape(len(mask), -1).any(1).cpu().numpy() for mask in masks.values()]
        return attrs.evolve(result, notes={"portrait": np.concatenate(rows)})


@attrs.frozen
class Novelty(Selection):
    """Prefers individuals whose nearest neighbours among all individuals are farthest away."""

    name: ClassVar[str] = "novelty"
    traits: ClassVar[frozenset[str]] = frozenset({"deterministic"})

    neighbours: int = attrs.field(
        default=5, validator=attrs.validators.ge(1), metadata=doc("number of neighbours")
    )
    tolerance: float = attrs.field(
        default=0.1, metadata=doc("how much worse than the best, in the metric, is good enough")
    )

    def select(self, population: Population, context: Context) -> tuple[Family, ...]:
        """Return families of the most novel, in turn."""
        metric, ranked = population.metric, population.ranked(population.sound())
        worth = {one.id: metric.sort_value(one.fitness.value(metric.name)) for one in ranked}
        good = [one for one in ranked if worth[one.id] >= worth[ranked[0].id] - self.tolerance]
        everybody = _portraits(population.archive)
        # Sorted is stable: of equals, the better one first, whatever order they are listed in.
        novel = sorted(good, key=lambda one: -self._novelty(one, everybody))
        turns = (novel * (population.size * population.parents))[: population.size]
        return tuple(Family((one.id,) * population.parents) for one in turns)

    def _novelty(self, one: Individual, everybody: Any) -> float:
        if "portrait" not in one.notes or not len(everybody):
            return 0.0
        distances = np.sort((everybody != one.notes["portrait"]).sum(1))
        return float(distances[1 : self.neighbours + 1].sum())  # the first is itself


def _portraits(individuals: tuple[Individual, ...]) -> Any:
    return np.array([one.notes["portrait"] for one in individuals if "portrait" in one.notes])
