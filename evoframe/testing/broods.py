"""Broods for the kit: siblings of a case, within a budget of synapses, schooled in no time."""

from __future__ import annotations

from typing import Any

import attrs

from evoframe.evolution.brood import Siblings
from evoframe.evolution.growing_up import developed, school
from evoframe.evolution.watch import Watch
from evoframe.kernel.context import Context
from evoframe.kernel.drawing.brood import Sibling
from evoframe.kernel.life import TrainingResult
from evoframe.kernel.rungs import Rung
from evoframe.strategies.environment.retention import Retention
from evoframe.strategies.training.gradient import Gradient
from evoframe.testing.case import Case

SCHOOL = Gradient(epochs=2, learning_rate=0.02)
"""The training in which a litter is tried."""

ENOUGH = 4
"""Of how many siblings, or steps, a litter is tried at most: others take as long as they say."""


@attrs.frozen(eq=False)
class Kept:
    """A brood that keeps all that it has given.

    Attributes:
        own: the brood.
        given: its siblings, in the order in which they were first asked for.
    """

    own: Siblings
    given: list[Sibling] = attrs.field(factory=list)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.own, name)

    def only(self) -> Sibling:
        """Return the only child."""
        return self._kept(self.own.only())

    def another(self, *, around: Sibling | None = None, step: float = 0.0) -> Sibling:
        """Return another sibling."""
        return self._kept(self.own.another(around=around, step=step))

    def exchanged(self, sibling: Sibling, *, share: float) -> Sibling:
        """Return a sibling of which some were exchanged."""
        return self._kept(self.own.exchanged(sibling, share=share))

    def _kept(self, sibling: Sibling) -> Sibling:
        if sibling not in self.given:
            self.given.append(sibling)
        return sibling


def brood_of(case: Case, context: Context) -> Kept:
    """Return the siblings of a case, of which each has three quarters of the synapses at most."""
    inheritance, pressure = case.inheritance(), Retention(retention=0.75)
    here = context.at("environment", 0)
    dna = pressure.press(case.dna(), inheritance, here)
    most = pressure.allowance(inheritance, context)
    watch = Watch(context, strict=False)

    def schooled(sibling: Sibling, until: float, after: TrainingResult | None) -> TrainingResult:
        rung = Rung(until=until, taken_up=None if after is None else after.paused)
        here = attrs.evolve(context, life=attrs.evolve(context.life, rung=rung))
        return school(developed(sibling.genotype, here), SCHOOL, here, watch)

    limit = float("inf") if most is None else most
    return Kept(Siblings(dna, inheritance, context, schooled, limit, strict=True))
