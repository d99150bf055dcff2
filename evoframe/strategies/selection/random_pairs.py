"""Random pairs: the papers' selection, which is none.

No paper of the family selects by fitness: parents are drawn from the last generation, and the
environment alone is "natural selection".
"""

from __future__ import annotations

from typing import ClassVar

import attrs

from evoframe.kernel.context import Context
from evoframe.kernel.population import Family, Population
from evoframe.roles import Selection
from evoframe.strategies.selection.drawing import ELITES, draw, elite_families, family


@attrs.frozen
class RandomPairs(Selection):
    """Draws parents at random from the last generation, regardless of fitness."""

    name: ClassVar[str] = "random-pairs"
    traits: ClassVar[frozenset[str]] = frozenset({"stochastic"})

    elites: int = attrs.field(default=0, validator=attrs.validators.ge(0), metadata=ELITES)

    def select(self, population: Population, context: Context) -> tuple[Family, ...]:
        """Return elites first, then families drawn without regard to fitness.

        Individuals whose primary metric is not finite are drawn only when there are no others.
        """
        elites = elite_families(population, self.elites)
        sound = population.sound()
        return elites + tuple(
            family(draw(sound, population.parents, context.key.at("family", place)))
            for place in range(len(elites), population.size)
        )
