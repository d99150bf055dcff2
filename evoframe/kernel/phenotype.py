"""Phenotype: the network that is grown from a genotype, with masks over what is absent inside."""

from __future__ import annotations

from collections.abc import Mapping

import attrs
from torch import Tensor, nn

from evoframe.kernel.bits import Absent
from evoframe.kernel.genotype import Masks


@attrs.frozen(eq=False, init=False)
class Phenotype:
    """An ordinary network, with masks over whatever absent entries remain inside it.

    Attributes:
        network: the module to train and run; its parameters may be smaller than the ancestor's.
        absent: the absent entries of parameters of ``network``, a bit each.
        cuts: for state entries that were cut, the ancestor's indices that are left along each
            axis; None for an axis that is whole.
    """

    network: nn.Module
    absent: Absent
    cuts: Mapping[str, tuple[Tensor | None, ...]]

    def __init__(
        self,
        network: nn.Module,
        masks: Masks,
        cuts: Mapping[str, tuple[Tensor | None, ...]] | None = None,
    ) -> None:
        """Take bool masks that broadcast to the shapes of parameters with absent entries."""
        shapes = {name: value.shape for name, value in network.named_parameters()}
        self.__attrs_init__(network, Absent.of(masks, shapes), cuts or {})

    @property
    def masks(self) -> dict[str, Tensor]:
        """Bool masks of the parameters with absent entries, shaped like them; made anew."""
        return self.absent.masks()

    def masked(self, masks: Masks) -> Phenotype:
        """Return the same network with other masks."""
        return Phenotype(self.network, masks, self.cuts)

    def cut(self, name: str, value: Tensor) -> Tensor:
        """Return the part of a tensor in the ancestor's coordinates that this network has.

        Args:
            name: the state entry that the tensor belongs to.
            value: shaped like the ancestor's entry.
        """
        for axis, left in enumerate(self.cuts.get(name, ())):
            if left is not None:
                value = value.index_select(axis, left)
        return value

    def enforce(self) -> None:
        """Set absent entries to zero, in place; to be called after every optimiser step."""
        self.absent.clear(dict(self.network.named_parameters()))
