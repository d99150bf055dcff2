"""Decay: what is to leave goes to zero while training goes on, so that nothing is torn out.

Before each epoch the run's own encoding and environments are asked which bundles of channels an
offspring of this individual would lose, by the same ranking and the same budget as the draw. Every
step then adds to their gradients that of a penalty, which grows from epoch to epoch (2012.09243):

    square   strength / 2 * |w|^2
    norm     strength * sqrt(n) * |w|, with n the number of weights: the group lasso (1608.03665)

over all weights w that write, read or belong to a bundle. With ``rescue``, a bundle of which the
mean gradient of the loss, against the decay, exceeds it would grow all the same: it is kept.

An individual of which nothing more is to leave, as at the end of a budget's way, decays nothing.
"""

from __future__ import annotations

from typing import ClassVar, Literal

import attrs
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from evoframe.errors import StillbornError
from evoframe.kernel.context import Context
from evoframe.kernel.dna import Inheritance
from evoframe.kernel.evidence import Evidence
from evoframe.kernel.genotype import Genotype, State
from evoframe.kernel.phenotype import Phenotype
from evoframe.kernel.rungs import PAUSABLE
from evoframe.roles import Nurture, doc
from evoframe.strategies.encoding.membership import NOBODY, Membership, Scores, membership_of

Flags = npt.NDArray[np.bool_]
"""A bool for each bundle."""


@attrs.frozen
class Decay(Nurture):
    """Decays the channels that the next draw would remove, while the others adapt."""

    name: ClassVar[str] = "decay"
    traits: ClassVar[frozenset[str]] = frozenset({PAUSABLE})

    strength: float = attrs.field(
        default=0.01,
        validator=attrs.validators.gt(0),
        metadata=doc("strength of the decay in the first epoch"),
    )
    growth: float = attrs.field(
        default=2.0,
        validator=attrs.validators.ge(1),
        metadata=doc("factor by which the strength grows from epoch to epoch"),
    )
    penalty: Literal["square", "norm"] = attrs.field(
        default="square",
        metadata=doc("penalty: the square of a bundle's weights, or their norm"),
    )
    on: Literal["leaving", "all"] = attrs.field(
        default="leaving",
        metadata=doc(
            "decay the bundles that an offspring would lose, or all removable bundles, "
            "which makes them differ more"
        ),
    )
    rescue: bool = attrs.field(
        default=True,
        metadata=doc("keep a bundle for which the loss gradient outweighs the decay"),
    )
    batches: int = attrs.field(
        default=10,
        validator=attrs.validators.ge(1),
        metadata=doc("training batches per epoch for deciding what is rescued"),
    )

    def begin(self, phenotype: Phenotype, context: Context) -> Nurture:
        """Return a companion that knows, from each epoch's begin, what is to leave."""
        return _Decaying(self)

    def strength_at(self, epoch: int) -> float:
        """Return the strength in an epoch; the first is 0."""
        return self.strength * self.growth**epoch


@attrs.define(eq=False)
class _Epoch:
    """What decays in an epoch.

    Attributes:
        members: which entries belong to which bundle.
        strength: how strongly bundles are pulled to zero.
        leaving: bool, one a bundle.
    """

    members: Membership = attrs.field(factory=lambda: Membership((), 0))
    strength: float = 0.0
    leaving: Flags = attrs.field(factory=lambda: np.zeros(0, dtype=bool))


@attrs.frozen(eq=False)
class _Decaying(Nurture):
    """Decay within one life."""

    name: ClassVar[str] = "decay"

    wish: Decay
    now: _Epoch = attrs.field(factory=_Epoch)

    def before_epoch(self, phenotype: Phenotype, context: Context, epoch: int) -> None:
        """Decide what is to leave, from nothing but the individual as it is and the key."""
        here, anatomy, now = context.at("decay", epoch), context.anatomy, self.now
        partition, genotype = anatomy.clusters("bundle"), anatomy.absorb(phenotype)
        now.members = membership_of(partition, anatomy.wiring, phenotype)
        now.strength = self.wish.strength_at(epoch)
        now.leaving = ~partition.fixed.cpu().numpy()
        if self.wish.on == "leaving":
            now.leaving &= _lost(genotype, here)
        if self.wish.rescue and now.leaving.any():
            now.leaving &= ~self._rescued(genotype, phenotype, here)

    def after_backward(self, phenotype: Phenotype, context: Context, step: int) -> None:
        """Add the gradient of the penalty."""
        if not self.now.leaving.any():
            return
        parameters: dict[str, Tensor] = dict(phenotype.network.named_parameters())
        pulls = self.now.strength * self.now.leaving * self._steepness(parameters)
        padded = torch.from_numpy(np.append(pulls, 0.0))  # the last is that of nobody
        for side in self.now.members.sides:
            value = parameters[side.entry]
            if value.grad is not None:
                value.grad.add_(value.detach() * padded.to(value)[side.labels])

    def after_epoch(self, phenotype: Phenotype, context: Context, epoch: int) -> Phenotype:
        """Forget what was to leave: the next epoch decides anew."""
        self.now.leaving = np.zeros(0, dtype=bool)
        return phenotype

    def put_down(self, phenotype: Phenotype, context: Context) -> State:
        """Return flags of the bundles that leave in this epoch, and how strongly they decay."""
        if not len(self.now.leaving):
            return {}
        strength = torch.tensor(self.now.strength, dtype=torch.float64)
        return {"leaving": torch.from_numpy(self.now.leaving.copy()), "strength": strength}

    def take_up(self, kept: State, phenotype: Phenotype, context: Context) -> None:
        """Go on with what is to leave."""
        if "leaving" in kept:
            self.now.leaving = kept["leaving"].numpy().copy()
            self.now.strength = float(kept["strength"])
            partition = context.anatomy.clusters("bundle")
            self.now.members = membership_of(partition, context.anatomy.wiring, phenotype)

    def _rescued(self, genotype: Genotype, phenotype: Phenotype, context: Context) -> Flags:
        """Tell of each bundle whether the loss pulls it from zero harder than the decay to it."""
        network, members = phenotype.network, self.now.members
        own: dict[str, Tensor] = dict(network.named_parameters())
        learning = [name for name, value in own.items() if value.requires_grad]
        sums, seen = {name: torch.zeros_like(value) for name, value in own.items()}, 0
        evidence = Evidence(Inheritance(genotype.masks, {}, genotype.state), context)
        network.eval()
        for loss in evidence.losses(phenotype, batches=self.wish.batches):
            found = torch.autograd.grad(
                loss, [own[name] for name in learning], materialize_grads=True
            )
            for name, gradient in zip(learning, found, strict=True):
                sums[name] += gradient
            seen += 1
        network.train()
        pull = -_total(members, {name: own[name] * one for name, one in sums.items()})
        squares = _total(members, {name: value.square() for name, value in own.items()})
        decay = self.now.strength * squares * self._steepness(own)
        rescued: Flags = pull / max(seen, 1) > decay
        return rescued

    def _steepness(self, parameters: dict[str, Tensor]) -> Scores:
        """Return of each bundle by what its weights are multiplied in the gradient."""
        members = self.now.members
        if self.wish.penalty == "square":
            return np.ones(members.count)
        size = _total(members, {name: torch.ones_like(one) for name, one in parameters.items()})
        squares = _total(members, {name: one.square() for name, one in parameters.items()})
        steepness: Scores = np.sqrt(size / np.maximum(squares, 1e-24))
        return steepness


def _lost(genotype: Genotype, context: Context) -> Flags:
    """Tell of each bundle whether an offspring would lose its channels."""
    anatomy = context.anatomy
    partition = anatomy.clusters("bundle")
    assert partition.channels is not None
    try:
        left = context.life.foresight(genotype, context)
    except StillbornError:  # nothing would be left of it, which says nothing of its parts
        return np.zeros(len(partition.fixed), dtype=bool)
    gone = anatomy.channels(genotype) & ~anatomy.channels(left)
    lost = np.zeros(len(partition.fixed), dtype=bool)
    mine = partition.channels[gone.to(partition.channels.device)].cpu().numpy()
    lost[mine[mine != NOBODY]] = True
    return lost


def _total(members: Membership, values: dict[str, Tensor]) -> Scores:
    """Return the sum of values over all entries of each bundle."""
    found = [one.totals(values[one.entry], members.count) for one in members.sides]
    return sum(found, np.zeros(members.count))
