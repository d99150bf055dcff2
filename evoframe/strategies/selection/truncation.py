"""Truncation: the best share of a generation has all the offspring."""

from __future__ import annotations

import math
from typing import ClassVar

import attrs

from evoframe.kernel.context import Context
from evoframe.kernel.population import Family, Population
from evoframe.roles import Selection, doc
from evoframe.strategies.selection.drawing import ELITES, draw, elite_families, family


@attrs.frozen
class Truncation(Selection):
    """Truncation selection: the best share of the last generation becomes parents."""

    name: ClassVar[str] = "truncation"
    traits: ClassVar[frozenset[str]] = frozenset({"stochastic"})

    share: float = attrs.field(
        default=0.5,
        validator=[attrs.validators.gt(0), attrs.validators.le(1)],
        metadata=doc("share of the generation that becomes parents, at least one individual"),
    )
    elites: int = attrs.field(default=0, validator=attrs.validators.ge(0), metadata=ELITES)

    def select(self, population: Population, context: Context) -> tuple[Family, ...]:
        """Return elites first, then families in which the survivors lead in turn."""
        elites = elite_families(population, self.elites)
        sound = population.ranked(population.sound())
        survivors = sound[: math.ceil(self.share * len(sound))]
        families = list(elites)
        for place in range(len(elites), population.size):
            first = survivors[(place - len(elites)) % len(survivors)]
            others = [one for one in survivors if one != first] or [first]
            # Survivors lead in turn, so all of them have
            # offspring; chance chooses only their mates.
            mates = draw(others, population.parents - 1, context.key.at("family", place))
            families.append(family((first, *mates)))
        return tuple(families)
