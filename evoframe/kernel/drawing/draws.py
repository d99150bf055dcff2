"""Draws of whole clusters: what lives of each, and the offspring that it makes."""

from __future__ import annotations

from collections.abc import Mapping

import attrs
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from evoframe.kernel.dna import Clusters
from evoframe.kernel.drawing.bounded import are_held_by
from evoframe.kernel.drawing.coarse import Coarse
from evoframe.kernel.drawing.floors import Order
from evoframe.kernel.drawing.purse import Purse
from evoframe.kernel.drawing.synthesis import Living, bernoulli, of_clusters
from evoframe.kernel.genotype import Genotype
from evoframe.kernel.settling import between

Flags = npt.NDArray[np.bool_]
"""A bool for each of some clusters."""


@attrs.frozen(eq=False)
class Draws:
    """What may be drawn of whole clusters: some of them, given by their numbers.

    Attributes:
        purse: what they may cost.
        clusters: of the DNA.
        own: the synapses whose own draws say yes.
        stay: clusters that live in any case, a bool for each.
        coarse: what of a draw lives, by channels; None where caps look at single synapses.
    """

    purse: Purse
    clusters: Clusters
    own: Mapping[str, Tensor]
    stay: Flags
    coarse: Coarse | None

    @classmethod
    def of(cls, purse: Purse, clusters: Clusters, stay: Flags) -> Draws:
        """Return the draws in which some clusters live in any case."""
        living, key = Living(), purse.key
        own = {
            name: bernoulli(genes, key.at("synapses", name), living)
            for name, genes in purse.dna.synapses.items()
        }
        wiring = purse.anatomy.wiring
        coarse = None if purse.dna.caps else Coarse.of(own, clusters, wiring)
        return cls(purse, clusters, own, stay, coarse)

    def living(self, chosen: Order) -> tuple[Tensor, int]:
        """Return the channels that live, a bool for each on the CPU, and how many synapses do."""
        if self.coarse is not None:
            return self.coarse.settled(self._born(chosen))
        genotype, alive = self.purse.made_of(self._drawn(chosen))
        return alive, genotype.synapses

    def made(self, chosen: Order) -> Genotype:
        """Return the offspring, with settled masks."""
        if self.coarse is None:
            return self.purse.made_of(self._drawn(chosen))[0]
        wiring = self.purse.anatomy.wiring
        alive = self.living(chosen)[0].to(wiring.fed.device)
        return Genotype(between(alive, self._drawn(chosen), wiring), self.purse.state)

    def fit(self, chosen: Order) -> bool:
        """Tell whether the offspring costs no more than it may."""
        return self.purse.allows(*self.living(chosen))

    def too_wide(self, chosen: Order, rest: Order) -> Flags:
        """Return a bool for each of the rest: beside those chosen, it makes a layer too wide.

        None of them if the first of the rest is not one.
        """
        found, bounds = np.zeros(len(rest), dtype=bool), self.purse.anatomy.bounds
        if bounds and not self._is_held(np.append(chosen, rest[0])):
            own = [self.clusters.host.members[one.name].reshape(-1).numpy() for one in bounds]
            for place in np.isin(rest, np.concatenate(own)).nonzero()[0]:
                found[place] = not self._is_held(np.append(chosen, rest[place]))
        return found

    def _is_held(self, chosen: Order) -> bool:
        alive, _ = self.living(chosen)
        return are_held_by(self.purse.anatomy.network_of(alive), self.purse.anatomy.bounds)

    def _born(self, chosen: Order) -> Flags:
        found = self.stay.copy()
        found[chosen] = True
        return found

    def _drawn(self, chosen: Order) -> dict[str, Tensor]:
        born = torch.from_numpy(self._born(chosen)).to(self.clusters.genes.levels.device)
        return of_clusters(born, self.own, self.purse.dna)
