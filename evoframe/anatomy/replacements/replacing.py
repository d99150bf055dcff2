"""Replacing: putting a replacement in the place of a module, and the module back where it can be.

Both are changes of class: a replacement has the very parameters, attributes and hooks of what it
stands for. So this is done to copies only, and a module that is given code of its own, or a class
of people's own, is left as it is.
"""

from __future__ import annotations

from collections.abc import Container, Mapping

from torch import nn

from evoframe.anatomy.replacements.attention import HeadwiseAttention, is_whole

REPLACEMENTS: Mapping[type[nn.Module], type[nn.MultiheadAttention]] = {
    nn.MultiheadAttention: HeadwiseAttention,
}
"""What stands for modules of exactly these classes."""


def replace(network: nn.Module, names: Container[str] | None = None) -> nn.Module:
    """Return the network itself, in which replacements stand wherever there are any.

    Args:
        network: a copy; changed in place.
        names: of the modules to replace; None for all that can be.
    """
    for name, module in network.named_modules():
        kind = REPLACEMENTS.get(type(module))
        if kind and "forward" not in vars(module) and (names is None or name in names):
            module.__class__ = kind
    return network


def restore(network: nn.Module) -> nn.Module:
    """Return the network itself, with torch's own modules wherever they do the same (in place)."""
    for module in network.modules():
        if isinstance(module, HeadwiseAttention) and is_whole(module):
            module.__class__ = nn.MultiheadAttention  # type: ignore[assignment]
    return network


def replaced(network: nn.Module) -> dict[str, str]:
    """Return the names of modules that are replacements, with those of their classes."""
    kinds = tuple(REPLACEMENTS.values())
    named = network.named_modules()
    return {name: type(one).__name__ for name, one in named if isinstance(one, kinds)}
