"""Growing: making a smaller module out of a body on the meta device and tensors that were cut."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from evoframe.anatomy.channels.size_attribute import Numbers
from evoframe.anatomy.plan.copying import replica
from evoframe.anatomy.plan.layout import laid_out_like
from evoframe.anatomy.replacements import Idle, fit, let_idle
from evoframe.anatomy.trace.shortcuts import like
from evoframe.kernel.modules.duplicate import left_behind
from evoframe.kernel.modules.entries import own_of, tensors_of


def body_of(network: nn.Module) -> nn.Module:
    """Return a copy of a module on the meta device; its weights are not copied."""
    memo = left_behind(network)
    for parameter in network.parameters():
        # Whatever is in the memo counts as copied, so
        # ``replica`` puts these in place of the weights.
        memo[id(parameter)] = nn.Parameter(like(parameter), requires_grad=parameter.requires_grad)
    for buffer in network.buffers():
        if id(buffer) not in memo:  # a parameter may be registered as a buffer too
            memo[id(buffer)] = like(buffer)
    return replica(network, memo)


def copied(network: nn.Module) -> nn.Module:
    """Return a copy of a module on the CPU, with parameters and buffers of its own."""
    values = {name: one.detach().cpu().clone() for name, one in tensors_of(network).items()}
    return grow(body_of(network), values, {})


def grow(
    body: nn.Module,
    values: Mapping[str, Tensor],
    numbers: Numbers,
    idle: Mapping[str, Idle] | None = None,
) -> nn.Module:
    """Return a copy of a module with these parameters and buffers, its attributes in keeping.

    Args:
        body: the module on the meta device; not changed.
        values: every parameter and buffer by name; tied ones under their first name.
        numbers: what is to be written into attributes.
        idle: modules that compute nothing any more.
    """
    # By id, so that a parameter that modules share is shared in the copy as well.
    grown: dict[int, Any] = {}
    for name, old in tensors_of(body).items():
        value = laid_out_like(values[name], old)
        if isinstance(old, nn.Parameter):
            value = nn.Parameter(value, requires_grad=old.requires_grad)
        grown[id(old)] = value
    network = replica(body, grown)
    for (name, attribute, index), number in numbers.items():
        _write(network.get_submodule(name), attribute, index, number)
    resting = let_idle(network, idle or {})
    # Torch's own layers print and check these numbers, and some read them in ``forward``.
    for module in network.modules():
        if module in resting:  # their parameters are empty, and say nothing
            continue
        set_sizes(module)
        if isinstance(module, nn.RNNBase | nn.RNNCellBase):
            _set_sizes_of_units(module)
        fit(module)
    return network


def _write(module: nn.Module, attribute: str, index: int | None, number: int) -> None:
    if index is None:
        setattr(module, attribute, number)
        return
    old = getattr(module, attribute)
    changed = [number if at == index else one for at, one in enumerate(old)]
    setattr(module, attribute, changed if isinstance(old, list) else tuple(changed))


def set_sizes(module: nn.Module) -> None:
    """Set a layer's attributes to what its parameters say, in place."""
    # Not by attribute: reading a parametrised weight computes it, and may change buffers.
    weight = own_of(module).get("weight")
    if weight is None:
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


def _set_sizes_of_units(module: nn.RNNBase | nn.RNNCellBase) -> None:
    """Set the sizes of a recurrent layer to what its parameters say, in place."""
    first = "_l0" if isinstance(module, nn.RNNBase) else ""
    own = own_of(module)
    into, again = own.get(f"weight_ih{first}"), own.get(f"weight_hh{first}")
    if into is None or again is None:
        return
    module.input_size, module.hidden_size = into.shape[1], again.shape[1]
    if (projection := own.get("weight_hr_l0")) is not None:
        module.proj_size, module.hidden_size = projection.shape
    if isinstance(module, nn.RNNBase):
        # On a GPU, weights that lie apart would be put together at every call.
        module.flatten_parameters()
