"""Population: the generation that selection chooses parents from."""

from __future__ import annotations

import math

import attrs

from evoframe.kernel.individual import Individual, Metric


@attrs.frozen
class Family:
    """The parents of one offspring-to-be.

    Attributes:
        parents: ids of the parents, in order; the first lends its coordinates where it matters.
        elite: the single parent itself passes into the next generation, unchanged.
    """

    parents: tuple[str, ...]
    elite: bool = False


@attrs.frozen
class Population:
    """What a selection sees.

    Attributes:
        individuals: the living of the last generation, in order of their places.
        archive: every living individual of the run so far, the last generation's included.
        size: how many families the next generation needs.
        parents: how many parents each family needs.
        metric: the task's primary metric.
        metrics: all that the task measures.
    """

    individuals: tuple[Individual, ...]
    archive: tuple[Individual, ...]
    size: int
    parents: int
    metric: Metric
    metrics: tuple[Metric, ...] = ()

    def ranked(self, individuals: tuple[Individual, ...] | None = None) -> tuple[Individual, ...]:
        """Return individuals from best to worst by the primary metric, see :func:`rank`.

        The order depends on who they are, never on the order in which they are given.
        """
        chosen = self.individuals if individuals is None else individuals
        return tuple(sorted(chosen, key=lambda one: rank(one, self.metric)))

    def sound(self) -> tuple[Individual, ...]:
        """Return the last generation without those whose primary metric is NaN, if any remain."""
        sound = tuple(one for one in self.individuals if not math.isnan(self._value(one)))
        return sound or self.individuals

    def _value(self, individual: Individual) -> float:
        assert individual.fitness is not None
        return individual.fitness.value(self.metric.name)


def rank(individual: Individual, metric: Metric) -> tuple[bool, float, int, int, int]:
    """Return a key that sorts the living from best to worst by a metric.

    NaN comes last; of equals, the one with fewer synapses first, then the older.
    """
    assert individual.fitness is not None
    value = individual.fitness.value(metric.name)
    # NaN has a field of its own, since minus infinity is a value that may really be measured.
    order = -metric.sort_value(value)
    return (math.isnan(value), order, individual.synapses, individual.generation, individual.place)
