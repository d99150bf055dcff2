"""Regrowth: absent synapses get another chance, as in SET-like methods between generations.

The papers' offspring only ever lose synapses; this is what to name in a recipe to let them return.

Synapses come back with weight 0. A channel of which nothing is left then comes back with zeros on
both sides, and where its activation is 0 too, no gradient ever reaches it. With ``channels``, it
comes back as a whole: wired to what it reads and to its readers, with the ancestor's weights on
the side that it reads. Those with which it is read stay 0, so that it says nothing before it has
learned. (How layers that do not evolve read it is the ancestor's, as ever.)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import attrs
import torch
from torch import Tensor

from evoframe.kernel.context import Context
from evoframe.kernel.dna import DNA, Genes, Inheritance
from evoframe.kernel.key import WORD_VALUES, Key
from evoframe.kernel.living import living_channels
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
        metadata=doc("probability that an absent synapse becomes a candidate"),
    )
    standing: float = attrs.field(
        default=0.5,
        validator=[attrs.validators.ge(0), attrs.validators.le(1)],
        metadata=doc("level of a candidate, as a quantile of its layer's levels (0.5: the median)"),
    )
    channels: bool = attrs.field(
        default=False,
        metadata=doc(
            "offer whole absent channels, at the same rate, connected to their readers", later=True
        ),
    )

    def mutate(self, dna: DNA, inheritance: Inheritance, context: Context) -> DNA:
        """Return DNA with more eligible synapses; those that were eligible are as before."""
        if self.rate == 0:
            return dna
        chosen = {
            name: self._chosen(genes.levels, context.key.at("synapses", name))
            for name, genes in dna.synapses.items()
        }
        weights = dict(dna.weights)
        if self.channels:
            back = _Back.of(inheritance, context, self._chosen)
            chosen = {name: back.offered(name, mask) for name, mask in chosen.items()}
            weights |= back.weights()
        synapses = {
            name: self._regrown(genes, chosen[name] & ~genes.eligible)
            for name, genes in dna.synapses.items()
        }
        return attrs.evolve(dna, synapses=synapses, weights=weights)

    def _chosen(self, like: Tensor, key: Key) -> Tensor:
        words = torch.from_numpy(key.words(like.numel()).astype("int64"))
        return (words.reshape(like.shape) < int(self.rate * WORD_VALUES)).to(like.device)

    def _regrown(self, genes: Genes, offered: Tensor) -> Genes:
        present = genes.levels[genes.eligible].sort().values
        if not len(present) or not bool(offered.any()):
            return genes
        # Absent synapses have weight 0, and so the lowest
        # level: at that they would never come back.
        level = present[round(self.standing * (len(present) - 1))]
        levels = torch.where(offered, level, genes.levels)
        return attrs.evolve(genes, levels=levels, eligible=genes.eligible | offered)


@attrs.frozen(eq=False)
class _Back:
    """The channels that are offered as a whole, and those that live: a bool for each."""

    context: Context
    alive: Tensor
    risen: Tensor

    @classmethod
    def of(
        cls, inheritance: Inheritance, context: Context, chosen: Callable[[Tensor, Key], Tensor]
    ) -> _Back:
        """Choose among the bundles of channels that are absent as a whole."""
        anatomy = context.anatomy
        alive = living_channels(inheritance.eligible, anatomy.wiring)
        bundles = anatomy.clusters("bundle").channels
        assert bundles is not None
        written = bundles >= 0
        there = torch.zeros(int(bundles.max()) + 1, dtype=torch.bool, device=alive.device)
        there[bundles[alive & written]] = True
        back = chosen(there, context.key.at("channels")) & ~there
        return cls(context, alive, written & back[bundles.clamp(min=0)])

    def offered(self, name: str, chosen: Tensor) -> Tensor:
        """Return the candidates of a parameter: all of channels that come back, few of others."""
        sources, targets = self._ends(name)
        there = (self.alive | self.risen)[sources] & (self.alive | self.risen)[targets]
        fresh = self.risen[sources] | self.risen[targets]
        return there & (chosen | fresh) & self.context.ancestor.masks[name]

    def weights(self) -> dict[str, Tensor]:
        """Return the ancestor's weights on the side that channels read, and 0 elsewhere."""
        found = {}
        for name, mask in self.context.ancestor.masks.items():
            _, targets = self._ends(name)
            own = self.context.ancestor.state[name]
            found[name] = torch.where(self.risen[targets] & mask, own, torch.zeros_like(own))
        return found

    def _ends(self, name: str) -> tuple[Tensor, Tensor]:
        wiring = self.context.anatomy.wiring
        return wiring.sources[name], wiring.targets[name]
