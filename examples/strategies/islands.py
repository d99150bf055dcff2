"""Islands with their own climates: a note holds the island, and the pressure reads it.

Chosen as ``--selection islands.py:Islands --environment islands.py:Climates``.
"""

from __future__ import annotations

from typing import ClassVar

import attrs

from evoframe.plugin import (
    DNA,
    Context,
    Environment,
    Family,
    Inheritance,
    Population,
    Retention,
    Selection,
    doc,
)


@attrs.frozen
class Islands(Selection):
    """Selects the best of each island as parents, with periodic migration to the next."""

    name: ClassVar[str] = "islands"
    traits: ClassVar[frozenset[str]] = frozenset({"deterministic"})

    islands: int = attrs.field(
        default=3, validator=attrs.validators.ge(1), metadata=doc("how many there are")
    )
    every: int = attrs.field(
        default=3, validator=attrs.validators.ge(1), metadata=doc("generations between migrations")
    )

    def select(self, population: Population, context: Context) -> tuple[Family, ...]:
        """Return families whose notes say on which island they will live."""
        moved = int(context.generation % self.every == 0)
        return tuple(
            self._family(place % self.islands, moved, population)
            for place in range(population.size)
        )

    def _family(self, island: int, moved: int, population: Population) -> Family:
        source = (island - moved) % self.islands
        natives = [one for one in population.sound() if one.notes.get("island", source) == source]
        # An island on which nobody lives is settled anew from everywhere.
        best = population.ranked(tuple(natives) or population.sound())
        parents = (best * population.parents)[: population.parents]
        return Family(tuple(one.id for one in parents), notes={"island": island})


@attrs.frozen
class Climates(Environment):
    """Keeps a different share of the synapses on each island."""

    name: ClassVar[str] = "climates"

    shares: tuple[float, ...] = attrs.field(
        default=(0.7, 0.8, 0.9), metadata=doc("share that may live, island by island")
    )

    def press(self, dna: DNA, inheritance: Inheritance, context: Context) -> DNA:
        """Return DNA under the pressure of the island that the offspring will live on."""
        return self._climate(context).press(dna, inheritance, context)

    def allowance(self, inheritance: Inheritance, context: Context) -> float | None:
        """Return the number of synapses that its island allows."""
        return self._climate(context).allowance(inheritance, context)

    def _climate(self, context: Context) -> Retention:
        return Retention(self.shares[int(context.notes.get("island", 0)) % len(self.shares)])
