"""Hooks: what a person does to the gradient of a weight is done to that of a smaller one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from evoframe.anatomy.plan.cutting import Cut, cut, uncut

Hook = Callable[[Tensor], Any]


def carry_hooks(ancestor: nn.Module, network: nn.Module, cuts: Mapping[str, Cut]) -> None:
    """Give the parameters of a smaller network the gradient hooks of its ancestor's, in place.

    Args:
        ancestor: whose parameters may have hooks.
        network: made of it.
        cuts: what is left of parameters that lost something.
    """
    grown = dict(network.named_parameters())
    for name, whole in ancestor.named_parameters():
        for hook in (whole._backward_hooks or {}).values():  # noqa: SLF001  no public way
            if (one := grown[name]).requires_grad:
                followed = _on_what_is_left(hook, whole.shape, cuts.get(name))
                one.register_hook(followed)  # type: ignore[no-untyped-call]


def _on_what_is_left(hook: Hook, shape: torch.Size, how: Cut | None) -> Hook:
    """Return a hook that sees a gradient of the ancestor's shape, zero where nothing is left."""
    if how is None:
        return hook

    def hooked(gradient: Tensor) -> Tensor | None:
        changed = hook(uncut(gradient, how, shape))
        return None if changed is None else cut(changed, how)

    return hooked
