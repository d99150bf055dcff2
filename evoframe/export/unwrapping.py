"""Unwrapping: what a factory builds, without what compiles it; and what cannot be unwrapped.

A compiled module, or one whose forward was replaced by a function, holds on to the parameters that
it was built with: in a copy it would still compute with those.
"""

from __future__ import annotations

import copy

from torch import nn

from evoframe.errors import ExportError

_INSIDE = "_orig_mod"
"""What ``torch.compile`` calls the module that it was given."""


def unwrapped(network: nn.Module) -> nn.Module:
    """The network as it was before ``torch.compile``; the same object if nothing was compiled."""
    network = _original(network)
    if not any(_is_wrapped(module) for module in network.modules()):
        return network
    network = copy.copy(network)
    network.__dict__.pop("_compiled_call_impl", None)
    network._modules = {  # noqa: SLF001  the parameters are shared, and only looked at
        name: None if child is None else unwrapped(child)
        for name, child in network._modules.items()  # noqa: SLF001
    }
    return network


def plain_name(name: str) -> str:
    """Return the name that a module or an entry has in a network that is not compiled."""
    return ".".join(part for part in name.split(".") if part != _INSIDE)


def require_plain_code(network: nn.Module) -> None:
    """Refuse a network in which a function stands in the place of a layer's own forward.

    Raises:
        ExportError: the layer, and what to do.
    """
    for name, module in network.named_modules():
        forward = vars(module).get("forward")
        if forward is not None and getattr(forward, "__self__", None) is not module:
            who = f"layer {name!r}" if name else "the network"
            raise ExportError(
                f"{who} of the factory has a forward of its own, a function in the place of its "
                "class's, which computes with the factory's weights. Let the factory build it "
                "without that wrapper, and wrap what evoframe.load() returns."
            )


def _is_wrapped(module: nn.Module) -> bool:
    compiled = getattr(module, "_compiled_call_impl", None) is not None
    return compiled or _original(module) is not module


def _original(module: nn.Module) -> nn.Module:
    """What an ``OptimizedModule`` of ``torch.compile`` was made of."""
    while isinstance(inside := module.__dict__.get("_modules", {}).get(_INSIDE), nn.Module):
        module = inside
    return module
