"""Regrowth: absent synapses get another chance, as in SET-like methods between generations.

The papers' offspring only ever lose synapses; this is what to name in a recipe to let them return.
"""

from __future__ import annotations

from typing import ClassVar

import attrs
import torch

from evoframe.kernel.context import Context
from evoframe.kernel.dna import DNA, Genes, Inheritance
from evoframe.kernel.key import WORD_VALUES, Key
from evoframe.roles import Mutation, doc


@attrs.frozen
class Regrowth(Mutation):
    """Offers a random share of the absent synapses as candidates."""

    name: ClassVar[str] = "regrowth"
    traits: ClassVar[frozenset[str]] = frozenset({"stochastic", "grows"})
    dial: ClassVar[str] = "rate"

    rate: float = attrs.field(
        default=0.01,
        validator=[attrs.validators.ge(0), attrs.validators.le(1)],
        metadata=doc("probability of each absent synapse to become a candidate"),
    )
    standing: float = attrs.field(
        default=0.5,
        validator=[attrs.validators.ge(0), attrs.validators.le(1)],
        metadata=doc("level a candidate gets, as a quantile of its layer's own (0.5: the median)"),
    )

    def mutate(self, dna: DNA, inheritance: Inheritance, context: Context) -> DNA:
        """Return DNA with more eligible synapses; those that were eligible are as before."""
        if self.rate == 0:
            return dna
        synapses = {
            name: self._regrown(genes, context.key.at("synapses", name))
            for name, genes in dna.synapses.items()
        }
        return attrs.evolve(dna, synapses=synapses)

    def _regrown(self, genes: Genes, key: Key) -> Genes:
        words = torch.from_numpy(key.words(genes.levels.numel()).astype("int64"))
        chosen = words.reshape(genes.levels.shape) < int(self.rate * WORD_VALUES)
        offered = chosen.to(genes.levels.device) & ~genes.eligible
        present = genes.levels[genes.eligible].sort().values
        if not len(present) or not bool(offered.any()):
            return genes
        # Absent synapses have weight 0, and so the lowest
        # level: at that they would never come back.
        level = present[round(self.standing * (len(present) - 1))]
        levels = torch.where(offered, level, genes.levels)
        return attrs.evolve(genes, levels=levels, eligible=genes.eligible | offered)
