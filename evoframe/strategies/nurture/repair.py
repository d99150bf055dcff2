"""Repair: before it learns, a newborn makes do with what it has, as well as a linear map can.

A layer with weight W was given x and is given h, the channels of x that stay, changed by all that
was cut before it. With B the matrix that tells x from h best, W B answers h nearly as W did x:

    B = S + (E[x h^T] - S E[h h^T]) (E[h h^T] + ridge)^-1

where S picks out the same channels, over all places of the inputs that some training batches give
it, one layer after the other in the order of a forward pass. That costs forward passes of both
networks, once for each layer; ThiNet (1707.06342) and channel pruning (1707.06168) fit filters
likewise. Layers in groups, transposed and recurrent ones stay as they are, and so do linear layers
of very many inputs, and layers with channels that the parent has not: nothing was measured of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import ClassVar

import attrs
import torch
from torch import Tensor, nn

from evoframe.kernel.context import Context
from evoframe.kernel.dna import Inheritance
from evoframe.kernel.evidence import Call, Evidence, by_loss_or_metrics
from evoframe.kernel.phenotype import Phenotype
from evoframe.kernel.rungs import PAUSABLE
from evoframe.roles import Nurture, doc

READERS = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)
"""Layers whose inputs can be told apart."""

RIDGE = 1e-2
"""Of the mean square of the inputs: what few examples say is not believed to the last digit."""

MOST = 4096
"""Inputs of a layer beyond which the matrix of their products would be too large."""

PLACES = 30
"""For each input that stays, at so many places a layer must have been seen to be changed."""

Run = Callable[[Phenotype], None]
"""Gives batches of data to a network, the same ones each time."""


@attrs.frozen
class Repair(Nurture):
    """Fits a newborn's layers to their outputs in its parent, before the first epoch."""

    name: ClassVar[str] = "repair"
    traits: ClassVar[frozenset[str]] = frozenset({PAUSABLE})

    batches: int = attrs.field(
        default=6,
        validator=attrs.validators.ge(1),
        metadata=doc("training batches for fitting activations"),
    )

    def begin(self, phenotype: Phenotype, context: Context) -> Repairing:
        """Return a companion that measures what layers were given once, for all that it repairs."""
        genotype = context.parents[0].genotype if context.parents else context.ancestor
        whole = context.anatomy.develop(genotype)
        whole.network.eval()
        inheritance = Inheritance(genotype.masks, {}, genotype.state)
        evidence = Evidence(inheritance, context.at("repair"))
        return Repairing(whole, evidence, self.batches)

    def before_epoch(self, phenotype: Phenotype, context: Context, epoch: int) -> None:
        """Fit all layers, in place, before the first epoch; of several parents to the first."""
        if not epoch:
            self.begin(phenotype, context).before_epoch(phenotype, context, epoch)


@attrs.frozen(eq=False)
class Repairing(Nurture):
    """Repair within one life, or of the siblings of a litter.

    Attributes:
        whole: the parent's network.
        evidence: gives batches.
        batches: how many.
        moments: of the inputs of its layers, measured once.
        lacking: layers that lost inputs and were not changed, with how little was seen of them.
    """

    name: ClassVar[str] = "repair"

    whole: Phenotype
    evidence: Evidence
    batches: int
    moments: dict[str, _Moments] = attrs.field(factory=dict)
    lacking: dict[str, str] = attrs.field(factory=dict)

    def before_epoch(self, phenotype: Phenotype, context: Context, epoch: int) -> None:
        """Fit all layers, in place, before the first epoch."""
        if epoch:
            return
        was = phenotype.network.training
        phenotype.network.eval()
        if not self.moments:
            self.moments.update(by_loss_or_metrics(context.task, self._moments_by))
        self.lacking.update(repair(phenotype, self.whole, self.moments))
        phenotype.network.train(was)

    def _moments_by(self, call: Call) -> dict[str, _Moments]:
        return moments_of(
            self.whole, lambda one: self.evidence.passes(call, one, batches=self.batches)
        )


@attrs.frozen(eq=False)
class Reader:
    """A layer that may be given something else than before.

    Attributes:
        rows: the places of its outputs among those that it had, int64.
        kept: the same for its inputs.
    """

    rows: Tensor
    kept: Tensor


@torch.no_grad()
def repair(smaller: Phenotype, whole: Phenotype, moments: Mapping[str, _Moments]) -> dict[str, str]:
    """Change the weights of what is left of a network, in place.

    Args:
        smaller: what is left, in evaluation mode.
        whole: the network that it is made of, in evaluation mode.
        moments: of the inputs of its layers.

    Returns:
        Layers that lost inputs and stay as they are, as too little was seen of them: how many
        inputs of how many, in words.
    """
    layers, before = (dict(one.network.named_modules()) for one in (smaller, whole))
    lacking: dict[str, str] = {}
    for name, seen in moments.items():
        reader = reader_of(name, smaller, whole, before[name]) if name in layers else None
        if reader is None:
            continue
        if seen.places < (wanted := PLACES * len(reader.kept)):
            if len(reader.kept) < len(seen.products):
                lacking[name] = f"{seen.places} of {wanted}"
            continue
        weight = before[name].weight.detach()[reader.rows].double()
        told = _told(seen.products, reader.kept)
        changed = torch.einsum("or...,rk->ok...", weight, told)
        layers[name].weight.copy_(changed.to(layers[name].weight))
    smaller.enforce()
    return lacking


@torch.no_grad()
def moments_of(whole: Phenotype, run: Run) -> dict[str, _Moments]:
    """Return the moments of the inputs of all layers that could be repaired.

    Args:
        whole: the network, in evaluation mode.
        run: takes forward passes of it.
    """
    layers = whole.network.named_modules()
    names = [name for name, one in layers if reader_of(name, whole, whole, one) is not None]
    return _moments(names, whole, run)


def reader_of(name: str, smaller: Phenotype, whole: Phenotype, layer: nn.Module) -> Reader | None:
    """Return a layer of the whole network as a reader; None if it is none to be changed."""
    if not isinstance(layer, READERS) or getattr(layer, "groups", 1) > 1:
        return None
    if layer.weight.shape[1] > MOST or not layer.weight.requires_grad:  # what is frozen is meant
        return None
    entry, none = f"{name}.weight", (None,) * layer.weight.ndim
    left, had = (dict(enumerate(one.cuts.get(entry, none))) for one in (smaller, whole))
    rows, kept = (_places(left[axis], had[axis], layer.weight.shape[axis]) for axis in (0, 1))
    if rows is None or kept is None:
        return None
    return Reader(rows.to(layer.weight.device), kept.to(layer.weight.device))


def _places(left: Tensor | None, had: Tensor | None, count: int) -> Tensor | None:
    """Return the places of what is left among what there was; None if more is left than that.

    Both are in the ancestor's numbers, and None where nothing has left it.
    """
    if had is None:
        return torch.arange(count) if left is None else left
    if left is None or not bool(torch.isin(left, had).all()):
        return None
    return torch.searchsorted(had, left)


def _told(products: Tensor, kept: Tensor) -> Tensor:
    """Return the matrix that tells all inputs from those that are kept, float64."""
    own = products[kept][:, kept]
    ridge = RIDGE * own.diagonal().mean().clamp(min=1e-12) * torch.eye(len(kept)).to(own)
    told: Tensor = torch.linalg.solve(own + ridge, products[kept]).T
    told[kept] = torch.eye(len(kept)).to(told)
    return told


@attrs.define(eq=False)
class _Moments:
    """Sums of products of a layer's inputs over places, float64, and how many places."""

    products: Tensor
    places: int


def _moments(names: list[str], whole: Phenotype, run: Run) -> dict[str, _Moments]:
    found: dict[str, _Moments] = {}

    def watch(name: str) -> Callable[[nn.Module, tuple[Tensor, ...]], None]:
        def hook(layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            # Linear layers have their channels last, others before the axes of their kernels.
            axis = (
                -1 if isinstance(layer, nn.Linear) else 1 - len(layer.get_parameter("weight").shape)
            )
            columns = inputs[0].detach().movedim(axis, 0).flatten(1).double()
            mine = found.setdefault(
                name, _Moments(columns.new_zeros(len(columns), len(columns)), 0)
            )
            mine.products += columns @ columns.T
            mine.places += columns.shape[1]

        return hook

    layers = dict(whole.network.named_modules())
    handles = [layers[name].register_forward_pre_hook(watch(name)) for name in names]
    try:
        run(whole)
    finally:
        for handle in handles:
            handle.remove()
    return found
