"""Networks of torchvision and timm for the benchmarks, and how half of one is chosen.

Both packages install beside a CPU build of torch with ``pip install --no-deps torchvision timm``.
The schemas of torchvision's compiled operators, which are missing there, are declared before it
is imported; no network here needs them.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn

from evoframe import anatomy
from evoframe.anatomy.channels.grid import Grid
from evoframe.anatomy.plan.bundles import Bundles
from evoframe.kernel.genotype import Genotype
from evoframe.kernel.settling import settle
from evoframe.roles.task import WITH_SYNAPSES

MISSING = ("nms(Tensor a, Tensor b, float c) -> Tensor", "qnms(Tensor a) -> Tensor")
_declared: list[torch.library.Library] = []


def torchvision() -> ModuleType:
    """Return the package, imported beside a torch that its operators were not built for."""
    if not _declared:
        library = torch.library.Library("torchvision", "DEF")
        for schema in MISSING:
            library.define(schema)
        _declared.append(library)  # schemas live as long as this does
    import torchvision
    import torchvision.models

    return torchvision


def build(name: str) -> nn.Module:
    """Return a network of torchvision with random weights, in evaluation mode."""
    torch.manual_seed(0)
    network: nn.Module = getattr(torchvision().models, name)(weights=None)
    return network.eval()


def head(network: nn.Module) -> nn.Module:
    """Return the last linear layer, whose outputs are the network's."""
    return [module for module in network.modules() if isinstance(module, nn.Linear)][-1]


def evolvable(network: nn.Module, *, but_the_last: bool = True) -> list[str]:
    """Return the weights of all layers with synapses, without those of the last if asked for."""
    found = []
    for name, module in network.named_modules():
        if isinstance(module, WITH_SYNAPSES):
            found.append(f"{name}.weight".lstrip("."))
        elif isinstance(module, nn.MultiheadAttention) and module.in_proj_weight is not None:
            found.append(f"{name}.in_proj_weight".lstrip("."))
    return found[:-1] if but_the_last else found


def halved(plan: anatomy.Anatomy) -> Genotype:
    """Return the ancestor without the weaker half of each layer's removable channels, settled.

    Weak is a class of channels with small weights: the sum of squares over all that write it.
    Blocks, such as the heads of attention, lose half the slots of their last free axis.
    """
    whole = plan.genotype()
    doomed = weaker_half(plan, whole)
    staying = plan.bundles.staying(~doomed)
    masks = {name: mask & staying[plan.wiring.targets[name]] for name, mask in whole.masks.items()}
    return settle(Genotype(masks, whole.state), plan.wiring)


def weaker_half(plan: anatomy.Anatomy, whole: Genotype) -> Tensor:
    """Return a bool for each channel: it is to go."""
    bundles = plan.bundles
    strength = _strengths(plan, whole)
    decided = torch.zeros_like(bundles.kept)
    decided[bundles.classes[bundles.kept]] = True
    gone = torch.zeros_like(bundles.kept)
    for grid in bundles.grids:
        ways = _slots(grid, bundles.classes)
        if ways and not bool(decided[ways[-1]].any()):
            weak = strength[ways[-1]].sum(1).argsort()[: len(ways[-1]) // 2]
            gone[ways[-1][weak]] = True
            _complete(bundles, gone)
        decided[bundles.classes[grid.channels]] = True
    for targets in plan.wiring.targets.values():
        classes = torch.unique(bundles.classes[targets])
        free = classes[~decided[classes]]
        gone[free[strength[free].argsort()[: len(free) // 2]]] = True
        decided[free] = True
    return gone[bundles.classes]


def _slots(grid: Grid, classes: Tensor) -> list[Tensor]:
    """Return the classes in each slot of each free axis, a row for each slot."""
    shape = grid.channels.shape
    axes = [axis for axis, size in enumerate(shape) if size > 1 and axis not in grid.fixed]
    return [classes[grid.channels.movedim(axis, 0).reshape(shape[axis], -1)] for axis in axes]


def _complete(bundles: Bundles, gone: Tensor) -> None:
    """Let slots of other blocks go with the classes that went, as few as can be (in place)."""
    before = -1
    while (now := int(gone.sum())) != before:
        for grid in bundles.grids:
            ways = [(rows, gone[rows].any(1)) for rows in _slots(grid, bundles.classes)]
            more = [(int((~gone[rows[hit]]).sum()), -len(rows)) for rows, hit in ways]
            if ways:
                rows, hit = ways[more.index(min(more))]
                gone[rows[hit]] = True
        before = now


def _strengths(plan: anatomy.Anatomy, whole: Genotype) -> Tensor:
    """Return for each class the sum of squares of the weights that write its channels."""
    strength = torch.zeros(len(plan.bundles.classes))
    for name, targets in plan.wiring.targets.items():
        squares = whole.state[name].float().square()
        axes = [a for a, n in enumerate(targets.shape) if n == 1 and squares.shape[a] > 1]
        squares = squares.sum(axes, keepdim=True) if axes else squares
        strength.index_add_(0, plan.bundles.classes[targets].reshape(-1), squares.reshape(-1))
    return strength


def parameters(network: nn.Module) -> int:
    """Return how many entries all parameters have."""
    return sum(value.numel() for value in network.parameters())


def runs(network: nn.Module, inputs: Any) -> bool:
    """Tell whether a forward pass comes to its end."""
    try:
        with torch.no_grad():
            network.eval()(*inputs)
    except Exception:  # noqa: BLE001  a network that was cut wrongly may do anything
        return False
    return True
