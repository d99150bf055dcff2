"""Rewiring within one life: SET (arXiv 1707.04780) and RigL (arXiv 1911.11134) as nurtures.

Both move synapses and keep their number in every layer. Only absent synapses inside the tensors
that an offspring still has can come to be.
"""

from __future__ import annotations

import math
from typing import ClassVar

import attrs
import torch
from torch import Tensor
from torch.optim import Optimizer

from evoframe.plugin import Context, Key, Nurture, Phenotype, doc, hookimpl

SHARE = attrs.field(
    default=0.3,
    validator=[attrs.validators.ge(0), attrs.validators.le(1)],
    metadata=doc("share of a layer's synapses that move at a time"),
)


@attrs.frozen
class Set(Nurture):
    """After every epoch, the weights nearest to 0 make room for others at random places."""

    name: ClassVar[str] = "set"
    traits: ClassVar[frozenset[str]] = frozenset({"rewires"})

    share: float = SHARE

    @torch.no_grad()
    def after_epoch(self, phenotype: Phenotype, context: Context, epoch: int) -> Phenotype:
        """Return the phenotype with other masks: zeta of 1707.04780 is the share."""
        parameters, masks = dict(phenotype.network.named_parameters()), {}
        for name, mask in phenotype.masks.items():
            value, key = parameters[name], context.key.at("set", epoch, name)
            present = mask.expand_as(value)
            dropped = _nearest_to_zero(value, present & (value > 0), self.share)
            dropped |= _nearest_to_zero(value, present & (value < 0), self.share)
            chances = torch.rand(value.shape, generator=key.at("places").generator())
            grown = _largest(chances.to(value.device), ~present, int(dropped.sum()))
            dropped &= _largest(-value.abs(), dropped, int(grown.sum()))  # where room is scarce
            fresh = _drawn(value, present, key.at("weights"))
            value.copy_(torch.where(grown, fresh, torch.where(dropped, 0.0, value)))
            masks[name] = (present & ~dropped) | grown
        return phenotype.masked(masks)


@attrs.frozen
class RigL(Nurture):
    """Every so many steps, the weakest synapses make room where the gradient is largest."""

    name: ClassVar[str] = "rigl"
    traits: ClassVar[frozenset[str]] = frozenset({"rewires"})

    share: float = SHARE
    every: int = attrs.field(
        default=100, validator=attrs.validators.ge(1), metadata=doc("steps between rewirings")
    )
    until: int = attrs.field(
        default=1000,
        validator=attrs.validators.ge(1),
        metadata=doc("step from which nothing moves any more; the paper: 3/4 of all steps"),
    )

    @torch.no_grad()
    def after_step(
        self, phenotype: Phenotype, optimiser: Optimizer, context: Context, step: int
    ) -> Phenotype:
        """Return the phenotype with other masks: f(t) = a/2 (1 + cos(pi t / T)), 1911.11134."""
        done = step + 1
        if done % self.every or done >= self.until:
            return phenotype
        share = self.share / 2 * (1 + math.cos(math.pi * done / self.until))
        parameters, masks = dict(phenotype.network.named_parameters()), {}
        for name, mask in phenotype.masks.items():
            value = parameters[name]
            masks[name] = present = mask.expand_as(value)
            if value.grad is None:
                continue
            count = min(int(share * int(present.sum())), int((~present).sum()))
            dropped = _largest(-value.abs(), present, count)
            grown = _largest(value.grad.abs(), ~present, count)
            value.masked_fill_(dropped | grown, 0.0)
            _forget(optimiser, value, grown)
            masks[name] = (present & ~dropped) | grown
        return phenotype.masked(masks)


def _nearest_to_zero(value: Tensor, among: Tensor, share: float) -> Tensor:
    return _largest(-value.abs(), among, int(share * int(among.sum())))


def _largest(scores: Tensor, among: Tensor, count: int) -> Tensor:
    """Return a mask of the entries with the highest scores; of equals, the first ones."""
    flat = scores.masked_fill(~among, -math.inf).reshape(-1)
    order = flat.sort(descending=True, stable=True).indices[: min(count, int(among.sum()))]
    chosen = torch.zeros_like(flat, dtype=torch.bool)
    chosen[order] = True
    return chosen.reshape(scores.shape)


def _drawn(value: Tensor, mask: Tensor, key: Key) -> Tensor:
    """Return fresh weights with the spread of those that are there."""
    spread = value[mask].square().mean().sqrt() if bool(mask.any()) else 0.0
    fresh = torch.randn(value.shape, generator=key.generator(), dtype=torch.float64)
    return fresh.to(value) * spread


def _forget(optimiser: Optimizer, value: Tensor, grown: Tensor) -> None:
    """Reset the optimiser's memory of synapses that are new."""
    for memory in optimiser.state.get(value, {}).values():
        if isinstance(memory, Tensor) and memory.shape == value.shape:
            memory.masked_fill_(grown, 0.0)


@hookimpl
def evoframe_nurtures() -> list[type]:
    return [Set, RigL]
