"""Duplicate: deep copies of modules, of those too that hold what a forward pass left behind.

Weight norm in its older form leaves computed weights in attributes, and people keep maps of
attention there. Such tensors hang on a graph, and ``copy.deepcopy`` refuses them.
"""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import nn

from evoframe.kernel.modules.entries import attributes_of


def duplicate(network: nn.Module) -> nn.Module:
    """Return a deep copy of a module, with the hooks on gradients that ``deepcopy`` forgets."""
    memo = left_behind(network)
    twin = copy.deepcopy(network, memo)
    for parameter in network.parameters():
        _carry_hooks(parameter, memo.get(id(parameter)))
    return twin


def without_numbers(network: nn.Module) -> nn.Module:
    """Return a deep copy of a module on the meta device; no weight is copied on the way."""
    memo = left_behind(network)
    for one in (*network.parameters(), *network.buffers()):
        blank = torch.empty_like(one, device="meta")
        is_parameter = isinstance(one, nn.Parameter)
        memo[id(one)] = nn.Parameter(blank, one.requires_grad) if is_parameter else blank
    return copy.deepcopy(network, memo).to("meta")


def left_behind(network: nn.Module) -> dict[int, Any]:
    """Return copies without a graph of all computed tensors in attributes, by the originals' ids.

    It is a memo to begin a deep copy with.
    """
    computed = (value for _, value in attributes_of(network, made_anew=True) if not value.is_leaf)
    return {id(value): value.detach().clone() for value in computed}


def _carry_hooks(parameter: nn.Parameter, twin: Any) -> None:
    if not isinstance(twin, nn.Parameter) or not twin.requires_grad:
        return
    for hook in (parameter._backward_hooks or {}).values():  # noqa: SLF001  no public way
        twin.register_hook(hook)  # type: ignore[no-untyped-call]
    later = parameter._post_accumulate_grad_hooks or {}  # noqa: SLF001
    for hook in later.values():
        twin.register_post_accumulate_grad_hook(hook)  # type: ignore[no-untyped-call]
