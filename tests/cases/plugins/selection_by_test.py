"""A selection that picks parents by their results on the test split.

Right: caught, or there is nothing to see: a selection is given individuals without test results.
"""

from __future__ import annotations

import attrs

from evoframe.plugin import Family, Selection, hookimpl

EXPECT = "caught"


def tested(individual):
    found = [one.value for one in individual.fitness.test.values() if one.value == one.value]
    return -max(found, default=0.0), individual.generation, individual.place


@attrs.frozen
class Examiner(Selection):
    """The best by the largest test result."""

    name = "examiner"

    def select(self, population, context):
        best = [one.id for one in sorted(population.sound(), key=tested)]
        count = population.parents
        return tuple(
            Family(tuple(best[(slot + n) % len(best)] for n in range(count)))
            for slot in range(population.size)
        )


@hookimpl
def evoframe_selections():
    return [Examiner]
