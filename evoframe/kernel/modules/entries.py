"""Entries: the parameters and buffers of a module, by names that its own code cannot change.

``state_dict()`` says what a module wants to be saved as: hooks rename, filter and add, and extra
states are no tensors. A genotype holds what a network computes with, so it goes by the modules.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

HIDDEN = frozenset({"_parameters", "_buffers", "_modules"})
"""Attributes of a module in which its entries and the modules inside it are."""

COMPUTED_FROM = ("_orig", "_v")
"""What a parameter's name ends with from which a weight of that name is computed before a pass."""

OPENED = 3
"""How deep lists and mappings in attributes are opened."""


def tensors_of(network: nn.Module) -> dict[str, Tensor]:
    """Return every parameter and buffer, each under its first name."""
    return _first_names({**dict(network.named_parameters()), **dict(network.named_buffers())})


def device_of(network: nn.Module) -> torch.device:
    """Return the device of a module, by its first entry; the CPU for one without any."""
    return next((one.device for one in tensors_of(network).values()), torch.device("cpu"))


def state_of(network: nn.Module) -> dict[str, Tensor]:
    """Return the parameters and the buffers that last, each under its first name.

    A buffer lasts if a module says so under any of its names. The order is that of
    ``state_dict()``: module after module, parameters before buffers.
    """
    lasting: set[int] = set()
    held: list[Tensor] = []
    for module in network.modules():
        for name, value in own_of(module).items():
            held.append(value)
            if name not in module._non_persistent_buffers_set:  # noqa: SLF001  no public way
                lasting.add(id(value))
    names = {id(value): name for name, value in tensors_of(network).items()}
    return {names[id(value)]: value for value in held if id(value) in lasting}


def passing_of(network: nn.Module) -> dict[str, Tensor]:
    """Return the buffers that are not saved with a network, each under its first name."""
    lasting = state_of(network)
    return {name: value for name, value in tensors_of(network).items() if name not in lasting}


def places_of(network: nn.Module) -> dict[str, Tensor]:
    """Return every parameter and buffer under each of its names."""
    buffers = dict(network.named_buffers(remove_duplicate=False))
    return {**dict(network.named_parameters(remove_duplicate=False)), **buffers}


def attributes_of(network: nn.Module, *, made_anew: bool) -> Iterator[tuple[str, Tensor]]:
    """Yield the tensors in attributes that are no entries, by name; in lists and mappings too.

    Args:
        network: any module.
        made_anew: with the weights that older norms of weights and pruning compute before a pass.
    """
    entries = {id(value) for value in tensors_of(network).values()}
    for prefix, module in network.named_modules():
        own = own_of(module)
        for name, value in vars(module).items():
            computed = any(f"{name}{suffix}" in own for suffix in COMPUTED_FROM)
            if name in HIDDEN or (computed and not made_anew):
                continue
            for full, one in _tensors_inside(f"{prefix}.{name}" if prefix else name, value, OPENED):
                if id(one) not in entries:
                    yield full, one


def _tensors_inside(name: str, value: Any, depth: int) -> Iterator[tuple[str, Tensor]]:
    if isinstance(value, Tensor):
        yield name, value
    elif depth and isinstance(value, Mapping):
        for key, one in value.items():
            yield from _tensors_inside(f"{name}[{key!r}]", one, depth - 1)
    elif depth and isinstance(value, list | tuple):
        for index, one in enumerate(value):
            yield from _tensors_inside(f"{name}[{index}]", one, depth - 1)


def own_of(module: nn.Module) -> dict[str, Tensor]:
    """Return the parameters and buffers of a module itself, without those of modules inside."""
    parameters = dict(module.named_parameters(recurse=False, remove_duplicate=False))
    return {**parameters, **dict(module.named_buffers(recurse=False, remove_duplicate=False))}


def _first_names(named: dict[str, Tensor]) -> dict[str, Tensor]:
    seen: set[int] = set()
    found: dict[str, Tensor] = {}
    for name, value in named.items():
        if id(value) not in seen:
            seen.add(id(value))
            found[name] = value
    return found
