"""Pareto: the non-dominated sorting and crowding of NSGA-II (Deb et al. 2002, IEEE TEC 6:182).

One individual dominates another if it is no worse in any objective and better in one. Fronts are
peeled off one after another; within a front those in sparse regions come first. The best of
everybody so far survive, as many as a generation has, and parents are winners of tournaments of
two among the survivors. Of those who are equal in all objectives the older one alone competes.

A selection keeps no state between generations, so survivors are found anew in the archive. That
is NSGA-II with an archive that forgets nobody.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import ClassVar

import attrs
import numpy as np
import numpy.typing as npt

from evoframe.errors import ConfigError, close_match
from evoframe.kernel.context import Context
from evoframe.kernel.individual import COSTS, Individual
from evoframe.kernel.population import Family, Population, is_sound
from evoframe.roles import Selection, Task, doc
from evoframe.strategies.selection.drawing import draw, family

LATENCY = "latency"
"""A cost that individuals have in runs with a table of latency alone; in seconds."""

Values = npt.NDArray[np.float64]
"""One row an individual, one column an objective; larger is better."""


@attrs.frozen
class Pareto(Selection):
    """Chooses parents with the best trade-offs between accuracy and costs (NSGA-II)."""

    name: ClassVar[str] = "pareto"
    traits: ClassVar[frozenset[str]] = frozenset({"stochastic"})

    objectives: tuple[str, ...] = attrs.field(
        default=(),
        metadata=doc(
            "metrics and costs to trade off, including latency in runs with a table; "
            "default: the primary metric and synapses"
        ),
    )
    archive: bool = attrs.field(
        default=True,
        metadata=doc("choose among all individuals so far, or only among the last generation"),
    )

    def check(self, task: Task) -> None:
        """Refuse an objective that nobody measures."""
        known = [metric.name for metric in task.metrics] + [*COSTS, LATENCY]
        for name in self.objectives:
            if name not in known:
                raise ConfigError(
                    f"selection.objectives names {name!r}, which task {task.name!r} does not "
                    f"measure and which is no cost.{close_match(name, known)} "
                    f"There are: {', '.join(known)}."
                )

    def check_ancestor(self, context: Context) -> None:
        """Refuse to trade a latency that no table tells."""
        if LATENCY in self.objectives and LATENCY not in context.anatomy.costs(context.ancestor):
            raise ConfigError(
                "selection.objectives names 'latency', and there is no latency "
                "table. Set run.latency_table to one made by `evoframe latency`, or "
                "trade off flops instead."
            )

    def select(self, population: Population, context: Context) -> tuple[Family, ...]:
        """Return families whose parents won tournaments by front, then by crowding.

        An objective that is missing or not finite counts as the worst there is.
        """
        order = self.ranked(population, population.size)
        ranks = {one.id: rank for rank, one in enumerate(order)}
        # A second parent is another one than the first, so the worst would have their turn as well.
        sound = [one for one in order if is_sound(one, population.metric)]
        survivors = (sound or order)[: population.size]
        families = []
        for place in range(population.size):
            left, parents = survivors, list[Individual]()
            for turn in range(population.parents):
                entrants = draw(
                    left, min(2, len(left)), context.key.at("family", place, "parent", turn)
                )
                parents.append(min(entrants, key=lambda one: ranks[one.id]))
                # A family of different parents as long as there
                # are any; a lone survivor mates with itself.
                left = [one for one in left if one != parents[-1]] or survivors
            families.append(family(parents))
        return tuple(families)

    def ranked(self, population: Population, wanted: int | None = None) -> list[Individual]:
        """Return candidates from best to worst: by front, and within a front by crowding.

        Args:
            population: whom to choose from.
            wanted: how many whose primary metric is finite are enough; all, if not given.
        """
        everyone = population.archive if self.archive else population.individuals
        ordered = sorted(everyone, key=lambda one: (one.generation, one.place))
        values = self._values(ordered, population)
        # The first of equals is the oldest, since candidates are in order of birth.
        _, firsts = np.unique(values, axis=0, return_index=True)
        chosen, values = [ordered[i] for i in sorted(firsts)], values[sorted(firsts)]
        result: list[Individual] = []
        for front in fronts(values):
            sparse = crowding(values[front])
            result += [chosen[front[i]] for i in np.argsort(-sparse, kind="stable")]
            sound = sum(is_sound(one, population.metric) for one in result)
            if wanted is not None and sound >= wanted:
                break
        return result

    def _values(self, candidates: Sequence[Individual], population: Population) -> Values:
        names = self.objectives or (population.metric.name, "synapses")
        maximised = {metric.name: metric.maximise for metric in population.metrics}
        maximised[population.metric.name] = population.metric.maximise
        rows = []
        for one in candidates:
            assert one.fitness is not None
            row = [one.fitness.value(name) for name in names]
            signed = [
                value if maximised.get(name, False) else -value
                for name, value in zip(names, row, strict=True)
            ]
            # Without a number in the primary metric nobody may win by being small.
            broken = not is_sound(one, population.metric)
            rows.append([-math.inf if broken or not math.isfinite(v) else v for v in signed])
        return np.array(rows, dtype=np.float64)


def fronts(values: Values) -> Iterator[npt.NDArray[np.int64]]:
    """Yield indices front by front: nobody is dominated by anyone in the same or a later one.

    Each is looked for when it is asked for: few of them are, however long an archive is.

    Args:
        values: (individuals, objectives), larger is better, no NaN.
    """
    # From best to worst by the first objective, of equals by the second, and so on: nobody is
    # dominated by those who come later.
    left = np.lexsort(-values.T[::-1])
    while len(left):
        front, open_ = list[int](), left
        while len(open_):
            front.append(open_[0])
            # Whoever is no better in anything is dominated by the first, or its equal.
            better = (values[open_] > values[open_[0]]).any(1)
            better |= (values[open_] == values[open_[0]]).all(1)
            open_ = open_[better][1:]
        left = left[~np.isin(left, front)]
        yield np.sort(np.array(front, dtype=np.int64))


def crowding(values: Values) -> Values:
    """Return the crowding distance of each member of a front, float64, (members,).

    The sum over objectives of the gap between the next better and the next worse, as a share of
    the objective's range; infinite at both ends.
    """
    distance = np.zeros(len(values))
    for column in values.T:
        order = np.argsort(column, kind="stable")
        ranked = column[order]
        with np.errstate(invalid="ignore"):  # all may be the worst there is: no range
            span = ranked[-1] - ranked[0]
        distance[order[[0, -1]]] = np.inf
        if len(values) > 2 and 0 < span < np.inf:
            distance[order[1:-1]] += (ranked[2:] - ranked[:-2]) / span
    return distance
