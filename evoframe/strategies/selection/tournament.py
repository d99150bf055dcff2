"""Tournament: every parent is the best of a few drawn at random."""

from __future__ import annotations

from typing import ClassVar

import attrs

from evoframe.kernel.context import Context
from evoframe.kernel.population import Family, Population
from evoframe.roles import Selection, doc
from evoframe.strategies.selection.drawing import ELITES, draw, elite_families, family


@attrs.frozen
class Tournament(Selection):
    """Tournament selection: each parent is the best of a few random individuals."""

    name: ClassVar[str] = "tournament"
    traits: ClassVar[frozenset[str]] = frozenset({"stochastic"})

    size: int = attrs.field(
        default=3,
        validator=attrs.validators.ge(1),
        metadata=doc("tournament size, at most the generation"),
    )
    elites: int = attrs.field(default=0, validator=attrs.validators.ge(0), metadata=ELITES)

    def select(self, population: Population, context: Context) -> tuple[Family, ...]:
        """Return elites first, then families of tournament winners, apart where possible."""
        elites = elite_families(population, self.elites)
        families = list(elites)
        for place in range(len(elites), population.size):
            left, parents = list(population.sound()), []
            for turn in range(population.parents):
                entrants = draw(
                    left, min(self.size, len(left)), context.key.at("family", place, "parent", turn)
                )
                parents.append(population.ranked(entrants)[0])
                left = [one for one in left if one != parents[-1]] or list(population.sound())
            families.append(family(parents))
        return tuple(families)
