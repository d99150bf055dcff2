"""Successive halving: many offspring start training, few continue, one is trained to the end.

Chosen as ``--selection halving.py:Halving``; the training of those that live on is kept.
"""

from __future__ import annotations

from typing import ClassVar

import attrs

from evoframe.plugin import Context, Family, Heat, Population, Selection, doc


@attrs.frozen
class Halving(Selection):
    """Trains many offspring for some epochs, the best of them longer, and the last to the end."""

    name: ClassVar[str] = "halving"

    lives: tuple[int, ...] = attrs.field(
        default=(9, 3, 1), metadata=doc("offspring on each rung, fewer each time")
    )
    epochs: tuple[float, ...] = attrs.field(
        default=(1.0, 4.0), metadata=doc("epochs since birth at the end of each rung but the last")
    )

    def families_for(self, population: Population) -> int:
        """Return the number of offspring that begin."""
        return self.lives[0]

    def select(self, population: Population, context: Context) -> tuple[Family, ...]:
        """Return families in which those that lived to the end lead in turn."""
        ranked = population.ranked(population.sound())
        count = population.parents
        return tuple(
            Family(tuple(ranked[(place + mate) % len(ranked)].id for mate in range(count)))
            for place in range(self.lives[0])
        )

    def rungs(self, population: Population) -> tuple[Heat, ...]:
        """Return the rungs; the last goes to the end of the training's schedule."""
        ends = (*self.epochs, float("inf"))
        return tuple(Heat(lives, until) for lives, until in zip(self.lives, ends, strict=True))
