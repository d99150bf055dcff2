"""Growing: making a smaller module out of a body on the meta device and tensors that were cut."""

from __future__ import annotations

import copy
from collections import OrderedDict
from collections.abc import Mapping
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn

from evoframe.anatomy.shortcuts import like

Places = tuple[Tensor | None, ...]
"""The indices that are left along each axis of a tensor; None for an axis that is whole."""


def body_of(network: nn.Module) -> nn.Module:
    """Return a copy of a module on the meta device; its weights are not copied."""
    memo: dict[int, Any] = {}
    for parameter in network.parameters():
        memo[id(parameter)] = nn.Parameter(like(parameter), requires_grad=parameter.requires_grad)
    for buffer in network.buffers():
        memo[id(buffer)] = like(buffer)
    return replica(network, memo)


def replica(module: nn.Module, memo: dict[int, Any]) -> nn.Module:
    """Return a deep copy of a module, as ``copy.deepcopy`` makes it, several times as quick.

    Most of what modules hold is plain, and the same few empty tables over and over.

    Args:
        module: what to copy.
        memo: copies that are there already, by the id of their originals; grows.
    """
    if id(module) in memo:
        return memo[id(module)]  # type: ignore[no-any-return]
    if _has_own_ways(type(module)):  # type: ignore[arg-type]  # a class can be hashed
        return copy.deepcopy(module, memo)
    twin: nn.Module = type(module).__new__(type(module))
    memo[id(module)] = twin
    held = twin.__dict__
    for name, value in module.__dict__.items():
        kind = type(value)
        if kind in PLAIN:
            held[name] = value
        elif kind in EMPTY_TABLES and not value and id(value) not in memo:
            memo[id(value)] = held[name] = kind()
        else:
            held[name] = _copied(value, memo)
    return twin


def _copied(value: Any, memo: dict[int, Any]) -> Any:
    if id(value) in memo:
        return memo[id(value)]
    kind = type(value)
    if kind in EMPTY_TABLES and not value:
        memo[id(value)] = twin = kind()
        return twin
    if isinstance(value, nn.Module):
        return replica(value, memo)
    if kind in (dict, OrderedDict):
        memo[id(value)] = twin = kind()
        for key, one in value.items():
            twin[key] = one if type(one) in PLAIN else _copied(one, memo)
        return twin
    if kind is tuple and all(type(one) in PLAIN for one in value):
        return value
    return copy.deepcopy(value, memo)


@cache
def _has_own_ways(kind: Any) -> bool:
    return any(
        getattr(kind, name, None) is not getattr(nn.Module, name, None)
        and getattr(kind, name) not in FOR_OLD_PICKLES
        for name in OWN_WAYS
    )


OWN_WAYS = (
    "__deepcopy__",
    "__getstate__",
    "__setstate__",
    "__reduce__",
    "__reduce_ex__",
    "__new__",
)
"""What a class defines that wants to be copied in its own way."""

FOR_OLD_PICKLES = (nn.Conv1d.__setstate__, nn.MultiheadAttention.__setstate__)
"""Ways of layers that only add what pickles of early versions lack."""

EMPTY_TABLES = frozenset({dict, OrderedDict, set, list})
"""Types whose empty values, of which modules are full, are made anew by their names."""

PLAIN = frozenset({bool, int, float, str, bytes, type(None), type})
"""Types whose values are shared by copies."""


def cut(value: Tensor, places: Places) -> Tensor:
    """Return what is left of a tensor."""
    for axis, left in enumerate(places):
        if left is not None:
            value = value.index_select(axis, left)
    return value


def uncut(value: Tensor, places: Places, shape: torch.Size) -> Tensor:
    """Return a tensor of the ancestor's shape with zeros where something was cut off."""
    whole = torch.zeros(shape, dtype=value.dtype, device=value.device)
    axes = [
        torch.arange(size, device=value.device) if left is None else left
        for size, left in zip(shape, places, strict=True)
    ]
    grid = torch.meshgrid(*axes, indexing="ij")
    whole[grid] = value
    return whole


Numbers = Mapping[tuple[str, str, int | None], int]
"""Numbers in attributes, by module, attribute and place (None for a plain number)."""


def grow(body: nn.Module, values: Mapping[str, Tensor], numbers: Numbers) -> nn.Module:
    """Return a copy of a module with these parameters and buffers, its attributes in keeping.

    Args:
        body: the module on the meta device; not changed.
        values: every parameter and buffer by name; tied ones under their first name.
        numbers: what is to be written into attributes.
    """
    grown: dict[int, Any] = {id(old): values[name] for name, old in body.named_buffers()}
    for name, old in body.named_parameters():
        grown[id(old)] = nn.Parameter(values[name], requires_grad=old.requires_grad)
    network = replica(body, grown)
    for (name, attribute, place), number in numbers.items():
        _write(network.get_submodule(name), attribute, place, number)
    for module in network.modules():
        follow(module)
    return network


def _write(module: nn.Module, attribute: str, place: int | None, number: int) -> None:
    if place is None:
        setattr(module, attribute, number)
        return
    old = getattr(module, attribute)
    changed = [number if at == place else one for at, one in enumerate(old)]
    setattr(module, attribute, changed if isinstance(old, list) else tuple(changed))


def follow(module: nn.Module) -> None:
    """Set a layer's attributes to what its parameters say, in place."""
    weight = getattr(module, "weight", None)
    if not isinstance(weight, Tensor):
        return
    if isinstance(module, nn.Linear):
        module.out_features, module.in_features = weight.shape
    elif isinstance(module, nn.Conv1d | nn.Conv2d | nn.Conv3d):
        module.out_channels, module.in_channels = weight.shape[0], weight.shape[1] * module.groups
    elif isinstance(module, nn.ConvTranspose1d | nn.ConvTranspose2d | nn.ConvTranspose3d):
        module.in_channels, module.out_channels = weight.shape[0], weight.shape[1] * module.groups
    elif isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d):
        module.num_features = weight.shape[0]
    elif isinstance(module, nn.LayerNorm | nn.RMSNorm) and weight.ndim == 1:
        module.normalized_shape = tuple(weight.shape)
    elif isinstance(module, nn.GroupNorm):
        module.num_channels = weight.shape[0]
    elif isinstance(module, nn.Embedding):
        module.num_embeddings, module.embedding_dim = weight.shape
    elif isinstance(module, nn.PReLU):
        module.num_parameters = weight.numel()
