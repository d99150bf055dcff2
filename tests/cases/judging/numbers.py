"""What two networks compute, and how far apart it is."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from support.surgery import tensors

NEAR = 5e-4
"""The largest error that is rounding, as a part of the largest entry."""


class Wrong(Exception):
    """The numbers are not what they should be."""


def run(network: nn.Module, inputs: Any, seed: int = 0) -> list[Tensor]:
    """All tensors that a network gives for a tuple, or a mapping of keywords."""
    torch.manual_seed(seed)
    given = copy.deepcopy(inputs)
    return tensors(network(**given) if isinstance(given, dict) else network(*given))


def apart(ours: list[Tensor], due: list[Tensor], what: str) -> float:
    """The largest relative error over pairs of tensors; raises Wrong where it is no rounding."""
    shapes, wanted = ([tuple(one.shape) for one in several] for several in (ours, due))
    if shapes != wanted:
        raise Wrong(f"{what}: shapes {shapes}, due {wanted}")
    worst = 0.0
    for one, other in zip(ours, due, strict=True):
        left, right = one.detach().double(), other.detach().double()
        inside = right.isfinite()
        if not torch.equal(left.isfinite(), inside):
            raise Wrong(f"{what}: not finite where it should be, or the reverse")
        if inside.any():
            largest = right[inside].abs().max().clamp_min(1e-6)
            worst = max(worst, float((left - right)[inside].abs().max() / largest))
    if worst > NEAR:
        raise Wrong(f"{what}: {worst:.1e} apart")
    return worst


def entries(network: nn.Module) -> dict[str, Tensor]:
    """All parameters and buffers by all their names."""
    return {
        **dict(network.named_parameters(remove_duplicate=False)),
        **dict(network.named_buffers(remove_duplicate=False)),
    }


@torch.no_grad()
def perturbed(network: nn.Module) -> nn.Module:
    """The network, with parameters and statistics moved away from where they were initialised."""
    dice = torch.Generator().manual_seed(7)
    for value in network.parameters():
        if value.is_floating_point() and not value.is_meta and not nn.parameter.is_lazy(value):
            value.add_(0.2 * torch.randn(value.shape, generator=dice).to(value.dtype))
    for name, value in network.named_buffers():
        if name.endswith(("running_mean", "running_var")) and not value.is_meta:
            value.uniform_(0.5, 1.5, generator=dice)
    return network


@torch.no_grad()
def with_state(twin: nn.Module, state: Mapping[str, Any]) -> nn.Module:
    """An ancestor with the weights of a genotype: what is absent is zero."""
    held = entries(twin)
    for name, value in state.items():
        if name not in held:
            continue
        shape, wanted = tuple(getattr(value, "shape", ())), tuple(held[name].shape)
        if not isinstance(value, Tensor) or shape != wanted:
            raise Wrong(f"the genotype's {name} is {shape}, the ancestor's {wanted}")
        held[name].copy_(value)
    return twin


@torch.no_grad()
def poisoned(network: nn.Module) -> nn.Module:
    """The network with NaN in all its parameters."""
    for value in network.parameters():
        if value.is_floating_point():
            value.fill_(float("nan"))
    return network.eval()


def require_own_parameters(network: nn.Module, twin: nn.Module, inputs: Any) -> None:
    """Raise Wrong if a poisoned network gives numbers where a poisoned ancestor gives none."""
    try:
        due = run(poisoned(twin), inputs)
    except Exception:  # noqa: BLE001  a network may refuse what is not finite
        return
    for one, other in zip(run(poisoned(network), inputs), due, strict=False):
        if other.isnan().any() and not one.isnan().any():
            raise Wrong("poisoned: computes with other parameters than its own")


def taught(network: nn.Module, inputs: Any) -> tuple[list[Tensor], dict[str, Tensor]]:
    """Outputs and gradients of one training pass without dropout."""
    network = _without_dropout(network).train()
    outputs, total = run(network, inputs), torch.zeros(())
    for one in outputs:
        if one.requires_grad:
            dice = torch.Generator().manual_seed(one.numel())
            total = total + (one * torch.randn(one.shape, generator=dice).to(one.dtype)).sum()
    if total.requires_grad:
        total.backward()
    return outputs, {n: p.grad for n, p in network.named_parameters() if p.grad is not None}


def _without_dropout(network: nn.Module) -> nn.Module:
    for module in network.modules():
        if isinstance(module, nn.modules.dropout._DropoutNd):
            module.p = 0.0
        if isinstance(getattr(module, "dropout", None), float):
            module.dropout = 0.0
    return network


def loss_of(network: nn.Module) -> Callable[[Any, Any], Tensor]:
    """A loss that always has a gradient, whatever a network gives."""
    own = next((p for p in network.parameters() if p.is_floating_point()), None)

    def loss(outputs: Any, _: Any) -> Any:
        some = [one.float().square().mean() for one in tensors(outputs) if one.is_floating_point()]
        if own is not None and not any(one.requires_grad for one in some):
            some.append(0.0 * own.sum())
        return sum(some, 0.0)

    return loss
