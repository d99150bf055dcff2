"""Growing: making a smaller module out of a body on the meta device and tensors that were cut."""

from __future__ import annotations

import copy
from collections.abc import Mapping

import torch
from torch import Tensor, nn

Places = tuple[Tensor | None, ...]
"""The indices that are left along each axis of a tensor; None for an axis that is whole."""


def body_of(network: nn.Module) -> nn.Module:
    """Return a copy of a module on the meta device; its weights are not copied."""
    memo: dict[int, object] = {}
    for parameter in network.parameters():
        empty = torch.empty_like(parameter, device="meta")
        memo[id(parameter)] = nn.Parameter(empty, requires_grad=parameter.requires_grad)
    for buffer in network.buffers():
        memo[id(buffer)] = torch.empty_like(buffer, device="meta")
    return copy.deepcopy(network, memo)


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
    network = copy.deepcopy(body)
    grown: dict[int, nn.Parameter] = {}
    for name, old in list(network.named_parameters(remove_duplicate=False)):
        if id(old) not in grown:
            grown[id(old)] = nn.Parameter(values[name], requires_grad=old.requires_grad)
        _put(network, name, grown[id(old)])
    for name, _ in list(network.named_buffers(remove_duplicate=False)):
        _put(network, name, values[name])
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


def _put(network: nn.Module, name: str, value: Tensor) -> None:
    owner, _, leaf = name.rpartition(".")
    setattr(network.get_submodule(owner), leaf, value)
