"""Repair: those that read what has left make do with what stays, as well as a linear map can.

A layer that reads channels x, of which K stay and R leave, answers with W_K x_K instead of W x.
With A the matrix that tells x_R from x_K best, W_K + W_R A answers nearly the same:

    A = E[x_R x_K^T] (E[x_K x_K^T] + ridge)^-1

over all places of the inputs that some batches of data give it in the network as it came. That
costs forward passes, and no training; ThiNet (1707.06342) does the like for one layer at a time.
Layers in groups, transposed and recurrent ones stay as they are, and so do linear layers of very
many inputs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import attrs
import torch
from torch import Tensor, nn

from evoframe.kernel.phenotype import Phenotype

READERS = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)
"""Layers whose inputs can be told apart."""

RIDGE = 1e-2
"""Of the mean square of the inputs: what few examples say is not believed to the last digit."""

MOST = 4096
"""Inputs of a layer beyond which the matrix of their products would be too large."""


@attrs.frozen(eq=False)
class Reader:
    """A layer that has lost inputs.

    Attributes:
        name: of the layer.
        rows: its outputs that stay, int64.
        kept: its inputs that stay, int64.
        gone: those that have left.
    """

    name: str
    rows: Tensor
    kept: Tensor
    gone: Tensor


@torch.no_grad()
def repair(smaller: Phenotype, whole: nn.Module, run: Callable[[], Iterable[Any]]) -> None:
    """Change what reads channels that left, in place.

    Args:
        smaller: what is left of a network.
        whole: the network as it came, in evaluation mode.
        run: gives batches of data to that network, one after the other.
    """
    readers = list(readers_of(smaller, whole))
    products = _products(readers, whole, run)
    layers, before = dict(smaller.network.named_modules()), dict(whole.named_modules())
    for one in readers:
        if one.name not in products:
            continue
        moments = products[one.name]
        own = moments[one.kept][:, one.kept]
        ridge = RIDGE * own.diagonal().mean() * torch.eye(len(own)).to(own)
        told = torch.linalg.solve(own + ridge, moments[one.kept][:, one.gone]).T
        lost = before[one.name].weight.detach()[one.rows][:, one.gone].double()
        weight = layers[one.name].weight
        weight.add_(torch.einsum("or...,rk->ok...", lost, told).to(weight))
    smaller.enforce()


def readers_of(smaller: Phenotype, whole: nn.Module) -> Iterable[Reader]:
    """Yield the layers that have lost inputs and keep some."""
    for name, layer in whole.named_modules():
        if not isinstance(layer, READERS) or getattr(layer, "groups", 1) > 1:
            continue
        cuts = smaller.cuts.get(f"{name}.weight", ())
        if len(cuts) < 2 or cuts[1] is None or layer.weight.shape[1] > MOST:
            continue
        everything = torch.arange(layer.weight.shape[0], device=layer.weight.device)
        left = torch.zeros(layer.weight.shape[1], dtype=torch.bool, device=layer.weight.device)
        left[cuts[1].to(left.device)] = True
        kept, gone = left.nonzero()[:, 0], (~left).nonzero()[:, 0]
        rows = everything if cuts[0] is None else cuts[0].to(left.device)
        if len(kept) and len(gone):
            yield Reader(name, rows, kept, gone)


def _products(
    readers: Iterable[Reader], whole: nn.Module, run: Callable[[], Iterable[Any]]
) -> dict[str, Tensor]:
    """Return for each layer the sums of products of its inputs, float64, (inputs, inputs)."""
    layers, found = dict(whole.named_modules()), {}

    def watch(name: str) -> Callable[[nn.Module, tuple[Tensor, ...]], None]:
        def hook(layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            axis = -1 if isinstance(layer, nn.Linear) else 1 - layer.weight.ndim
            columns = inputs[0].detach().movedim(axis, 0).flatten(1).double()
            found[name] = found.get(name, 0) + columns @ columns.T

        return hook

    handles = [layers[one.name].register_forward_pre_hook(watch(one.name)) for one in readers]
    try:
        for _ in run():
            pass
    finally:
        for handle in handles:
            handle.remove()
    return found
