"""What the kernel asks of an anatomy: how genotypes become networks, and come home again."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Protocol

from torch import Tensor

from evoframe.kernel.clusters import Kind, Partition
from evoframe.kernel.genotype import Genotype
from evoframe.kernel.phenotype import Phenotype
from evoframe.kernel.widths import Bound
from evoframe.kernel.wiring import Wiring


class Anatomy(Protocol):
    """The anatomy of a run's ancestor: how genotypes become networks and come home again."""

    @property
    def wiring(self) -> Wiring:
        """How the ancestor's synapses join its channels."""

    @property
    def bounds(self) -> tuple[Bound, ...]:
        """Between which numbers of channels single layers stay."""

    def clusters(self, kind: Kind) -> Partition:
        """Return the ancestor's synapses sorted into clusters."""

    def develop(
        self,
        genotype: Genotype,
        within: Tensor | None = None,
        *,
        spent: Collection[str] = frozenset(),
    ) -> Phenotype:
        """Return the network that a settled genotype describes.

        With all channels that ``within`` names, if it is given: of one shape for several genotypes.
        In the memory of the entries that are spent, if nothing was cut off them.
        """

    def absorb(self, phenotype: Phenotype, *, spent: bool = False) -> Genotype:
        """Return the phenotype's weights and buffers as a settled genotype.

        In the memory of its network if that is spent: if nobody will use it any more.
        """

    def home(self, phenotype: Phenotype, values: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return tensors shaped like the phenotype's parameters in ancestor coordinates.

        Zero where the phenotype has nothing.
        """

    def costs(self, genotype: Genotype, names: Collection[str] | None = None) -> dict[str, float]:
        """Return the sizes of what a genotype describes, by name; unknown ones are missing.

        All of them, or those of some names and maybe more.
        """

    def costs_of(
        self, there: Tensor, synapses: int, names: Collection[str] | None = None
    ) -> dict[str, float]:
        """Return the same of the network of some channels, with so many synapses."""

    def counted(self, there: Tensor, synapses: int) -> dict[str, float]:
        """Return the same sizes, as far as they are told without growing the network."""

    def channels(self, genotype: Genotype) -> Tensor:
        """Return the channels of its network, dead ones that stay too: a bool for each."""

    def network_of(self, alive: Tensor, *, tried: bool = True) -> Tensor:
        """Return the channels of the network in which channels live; bools, one a channel.

        Untried, those without which it cannot be built: it may have more, with which it runs.

        Args:
            alive: bools on the CPU, one a channel.
            tried: whether it is tried that it runs.
        """
