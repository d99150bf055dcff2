"""Phenotype: the network that is grown from a genotype, and what its life is given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

import attrs
import torch
from torch import Tensor, nn

from evoframe.kernel.bits import Absent
from evoframe.kernel.clusters import Kind, Partition
from evoframe.kernel.genotype import Genotype, Masks, State
from evoframe.kernel.wiring import Wiring

if TYPE_CHECKING:
    from evoframe.kernel.events import Announcer
    from evoframe.kernel.evidence import Circumstances, Parent
    from evoframe.kernel.key import Key
    from evoframe.roles.nurture import Nurture


@attrs.frozen(eq=False, init=False)
class Phenotype:
    """An ordinary network, with masks over whatever absent entries remain inside it.

    Attributes:
        network: the module to train and run; its parameters may be smaller than the ancestor's.
        absent: the absent entries of parameters of ``network``, a bit each.
        places: for state entries that were cut, the ancestor's indices that are left along each
            axis; None for an axis that is whole.
    """

    network: nn.Module
    absent: Absent
    places: Mapping[str, tuple[Tensor | None, ...]]

    def __init__(
        self,
        network: nn.Module,
        masks: Masks,
        places: Mapping[str, tuple[Tensor | None, ...]] | None = None,
    ) -> None:
        """Take bool masks that broadcast to the shapes of parameters with absent entries."""
        shapes = {name: value.shape for name, value in network.named_parameters()}
        self.__attrs_init__(network, Absent.of(masks, shapes), places or {})

    @property
    def masks(self) -> dict[str, Tensor]:
        """Bool masks of the parameters with absent entries, shaped like them; made anew."""
        return self.absent.masks()

    def masked(self, masks: Masks) -> Phenotype:
        """Return the same network with other masks."""
        return Phenotype(self.network, masks, self.places)

    def share(self, name: str, value: Tensor) -> Tensor:
        """Return what is left in this network of a tensor in the ancestor's coordinates.

        Args:
            name: the state entry that the tensor belongs to.
            value: shaped like the ancestor's entry.
        """
        for axis, left in enumerate(self.places.get(name, ())):
            if left is not None:
                value = value.index_select(axis, left)
        return value

    def enforce(self) -> None:
        """Set absent entries to zero, in place; to be called after every optimiser step."""
        self.absent.clear(dict(self.network.named_parameters()))


class Anatomy(Protocol):
    """The body plan of a run's ancestor: how genotypes become networks and come home again."""

    @property
    def wiring(self) -> Wiring:
        """How the ancestor's synapses join its channels."""

    def clusters(self, kind: Kind) -> Partition:
        """Return the ancestor's synapses sorted into clusters."""

    def develop(self, genotype: Genotype) -> Phenotype:
        """Return the network that a settled genotype describes."""

    def absorb(self, phenotype: Phenotype) -> Genotype:
        """Return the phenotype's weights and buffers as a settled genotype."""

    def home(self, phenotype: Phenotype, values: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return tensors shaped like the phenotype's parameters in ancestor coordinates."""

    def costs(self, genotype: Genotype) -> dict[str, float]:
        """Return the sizes of what a genotype describes."""


class Checkpoint(Protocol):
    """Where a long life puts itself down between epochs."""

    def load(self) -> tuple[int, State] | None:
        """Return the number of finished epochs and the tensors saved then, if there are any."""

    def save(self, epochs: int, tensors: State) -> None:
        """Keep the tensors of a life that has finished this many epochs."""


class NoCheckpoint:
    """A life that is short enough to be lived again."""

    def load(self) -> None:
        """Nothing was saved."""

    def save(self, epochs: int, tensors: State) -> None:
        """Nothing is saved."""


@attrs.frozen(eq=False)
class Life:
    """What a training is given besides the phenotype and the task.

    Attributes:
        id: the individual that lives it.
        key: the only source of randomness of this life.
        device: where the phenotype is, and where batches must go.
        nurture: what acts on the individual while it is trained, in the order named.
        parents: whom it descends from; empty for the ancestor.
        circumstances: the run's ancestor, task and anatomy.
        announcer: where to tell of finished epochs.
        checkpoint: where a long life may put itself down.
    """

    id: str
    key: Key
    device: torch.device
    nurture: tuple[Nurture, ...]
    parents: tuple[Parent, ...]
    circumstances: Circumstances
    announcer: Announcer
    checkpoint: Checkpoint


@attrs.frozen(eq=False)
class TrainingResult:
    """What comes out of a life.

    Attributes:
        phenotype: the trained phenotype; with other masks than it came with only if a strategy
            with the trait ``rewires`` took part.
        epochs: how many epochs were trained.
        loss: mean training loss of the last epoch; NaN when nothing was trained.
    """

    phenotype: Phenotype
    epochs: int
    loss: float
