"""A bandit over mutations: learns from the offspring's fitness which one to apply (Exp3).

Chosen as ``--mutation bandit.py:Bandit -o "mutation.arms=['noise', 'regrowth']"``.
"""

from __future__ import annotations

import math
from typing import Any, ClassVar

import attrs
import numpy as np

from evoframe.plugin import (
    DNA,
    Context,
    Inheritance,
    Mutation,
    Noise,
    Origin,
    Population,
    Regrowth,
    doc,
)


@attrs.frozen
class Bandit(Mutation):
    """Applies the mutation whose offspring were best, and occasionally another."""

    name: ClassVar[str] = "bandit"
    traits: ClassVar[frozenset[str]] = frozenset({"stochastic", "grows"})

    arms: tuple[Mutation, ...] = attrs.field(
        default=(Noise(), Regrowth()),
        validator=attrs.validators.min_len(1),
        metadata=doc("the mutations to choose among"),
    )
    exploration: float = attrs.field(
        default=0.2,
        validator=[attrs.validators.gt(0), attrs.validators.le(1)],
        metadata=doc("share of choices made at random"),
    )

    def begin(self, context: Context) -> list[float]:
        """Return the same weight, as a logarithm, for every arm."""
        return [0.0] * len(self.arms)

    def learned(self, state: list[float], population: Population) -> list[float]:
        """Return weights that grow with what the arms' offspring gained over the median."""
        born = [one for one in population.individuals if one.origin is Origin.OFFSPRING]
        # An elite was tried before.
        tried = [one for one in born if one.fitness is not None and "odds" in one.notes]
        metric = population.metric
        worth = {one.id: metric.sort_value(one.fitness.value(metric.name)) for one in tried}
        middle = float(np.median(list(worth.values()))) if worth else 0.0
        for one in tried:
            # What is chosen seldom counts more, so that no arm is judged by how often it acts.
            gain = (worth[one.id] - middle) / one.notes["odds"]
            state[one.notes["arm"]] += self.exploration * gain / len(self.arms)
        return state

    def mutate(self, dna: DNA, inheritance: Inheritance, context: Context) -> DNA:
        """Return DNA as the arm that was drawn has left it, with a note of which it was."""
        odds = self._odds(context.state)
        word = int(context.key.at("arm").words(1)[0])
        arm = min(int(np.searchsorted(np.cumsum(odds), word / 2**32)), len(odds) - 1)
        mutated = self.arms[arm].mutate(dna, inheritance, context.at("arms", arm))
        return attrs.evolve(mutated, notes={"arm": arm, "odds": float(odds[arm])})

    def _odds(self, state: Any) -> np.ndarray[Any, np.dtype[np.float64]]:
        weights = np.array([math.exp(one - max(state)) for one in state])
        shares = weights / weights.sum()
        return (1 - self.exploration) * shares + self.exploration / len(shares)
