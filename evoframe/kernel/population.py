"""Population: the generation that selection chooses parents from."""

from __future__ import annotations

import math

import attrs

from evoframe.kernel.individual import Individual, Metric
from evoframe.kernel.notes import NONE, Notes


@attrs.frozen
class Family:
    """The parents of one offspring-to-be.

    Attributes:
        parents: ids of the parents, in order; the first lends its coordinates where it matters.
        elite: the single parent itself passes into the next generation, unchanged.
        notes: what the offspring is to carry, besides and in place of its first parent's notes.
    """

    parents: tuple[str, ...]
    elite: bool = False
    notes: Notes = attrs.field(default=NONE, converter=Notes)


@attrs.frozen
class Population:
    """What a selection sees.

    Attributes:
        individuals: the living of the last generation, in order of their places, without those
            that were overtaken.
        archive: every living individual of the run so far, the last generation's included.
        size: how many families the next generation needs.
        parents: how many parents each family needs.
        metric: the task's primary metric.
        metrics: all that the task measures.
        stillborn: those of the last generation that could not live, in order of their places.
        overtaken: those of the last generation that it went on without, each with its figures on
            the rung that was its last; somebody's parents only if a selection names them.
    """

    individuals: tuple[Individual, ...]
    archive: tuple[Individual, ...]
    size: int
    parents: int
    metric: Metric
    metrics: tuple[Metric, ...] = ()
    stillborn: tuple[Individual, ...] = ()
    overtaken: tuple[Individual, ...] = ()

    def ranked(self, individuals: tuple[Individual, ...] | None = None) -> tuple[Individual, ...]:
        """Return individuals from best to worst by the primary metric, see :func:`rank`.

        The order depends on who they are, never on the order in which they are given.
        """
        chosen = self.individuals if individuals is None else individuals
        return tuple(sorted(chosen, key=lambda one: rank(one, self.metric)))

    def sound(self) -> tuple[Individual, ...]:
        """Those of the last generation whose primary metric is finite; all, if nobody's is."""
        sound = tuple(one for one in self.individuals if is_sound(one, self.metric))
        return sound or self.individuals


def is_sound(individual: Individual, metric: Metric) -> bool:
    """Tell whether somebody lives and a metric of them is finite: no NaN, and no infinity."""
    return individual.fitness is not None and math.isfinite(individual.fitness.value(metric.name))


def rank(individual: Individual, metric: Metric) -> tuple[int, float, int, int, int]:
    """Return a key that sorts the living from best to worst by a metric.

    What is infinite comes after all that is finite, whichever way is better, and NaN comes last;
    of equals, the one with fewer synapses first, then the older.
    """
    assert individual.fitness is not None
    value = individual.fitness.value(metric.name)
    # What is not finite has a field of its own, since no number is worse than every other.
    broken = 2 if math.isnan(value) else int(math.isinf(value))
    order = -metric.sort_value(value)
    return (broken, order, individual.synapses, individual.generation, individual.place)
