"""Purse: what an offspring may cost, and whether one does not cost more."""

from __future__ import annotations

import math
from collections.abc import Mapping

import attrs
from torch import Tensor

from evoframe.kernel.anatomy import Anatomy
from evoframe.kernel.dna import DNA
from evoframe.kernel.drawing.bounded import are_held_by
from evoframe.kernel.drawing.synthesis import capped
from evoframe.kernel.drawing.turns import Turns
from evoframe.kernel.genotype import Genotype, State
from evoframe.kernel.key import Key
from evoframe.kernel.settling import settled_and_living


@attrs.frozen(eq=False)
class Purse:
    """What an offspring may cost, and what each way to draw it would.

    Attributes:
        dna: with its ceilings.
        key: of the draw.
        state: what the offspring inherits.
        anatomy: says what a genotype costs.
        most: synapses that the offspring may have besides; other environments ask for no more.
        turns: in which order clusters, or else synapses, come to live, all in a row; that of the
            draw if not given.
    """

    dna: DNA
    key: Key
    state: State
    anatomy: Anatomy
    most: float = math.inf
    turns: Turns | None = None

    def made_of(self, masks: dict[str, Tensor]) -> tuple[Genotype, Tensor]:
        """Return drawn masks with caps enforced and settled, and which channels live with them.

        Returns:
            The masks, beside a state that is not settled yet; and bools on the CPU.
        """
        masks = capped(masks, self.dna, self.key)
        settled, alive = settled_and_living(masks, self.anatomy.wiring)
        return Genotype(settled, self.state), alive.cpu()

    def allows(self, alive: Tensor, synapses: int) -> bool:
        """Tell whether a settled offspring costs no more than it may.

        Args:
            alive: its channels that live, a bool for each, on the CPU.
            synapses: how many it has.
        """
        if synapses > self.most:
            return False
        # What counting alone says is too much is no less once the network has run.
        least = self.anatomy.network_of(alive, tried=False)
        counted = self.anatomy.counted(least, synapses)
        if not are_held_by(least, self.anatomy.bounds) or any(
            one.at_least(counted) > one.limit for one in self.dna.ceilings
        ):
            return False
        there = self.anatomy.network_of(alive)
        return are_held_by(there, self.anatomy.bounds) and self.affords(there, synapses)

    def affords(self, there: Tensor, synapses: int) -> bool:
        """Tell whether the network of some channels is under all ceilings."""
        costs = self.costs_of(there, synapses)
        return all(one.spent(costs) <= one.limit for one in self.dna.ceilings)

    def costs_of(self, there: Tensor, synapses: int) -> Mapping[str, float]:
        """Return the costs of the network of some channels, as far as ceilings ask for them."""
        names = {name for one in self.dna.ceilings for name in one.rates}
        return self.anatomy.costs_of(there, synapses, names)
