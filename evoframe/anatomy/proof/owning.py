"""Owning: a copy of a network computes with its own parameters, however the network was wrapped.

A forward pass that was replaced by a closure, a hook that holds a layer, a layer in a global: what
such code computes with is the ancestor's, whatever a copy's own parameters say, and every figure
of every offspring would be the ancestor's. So one pass of a whole copy is watched, operation by
operation, for tensors that belong to the original.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.utils._python_dispatch import TorchDispatchMode  # the documented place of this class

from evoframe.anatomy.channels.calls import tensors_in
from evoframe.anatomy.plan.growing import grow
from evoframe.anatomy.proof.distances import difference, doubled
from evoframe.anatomy.proof.stillness import fresh, still
from evoframe.anatomy.trace.forward import opened
from evoframe.errors import TaskError
from evoframe.kernel.modules.arguments import Arguments
from evoframe.kernel.modules.entries import device_of, tensors_of
from evoframe.kernel.tensors.storage import storage_of


class ForeignTensorError(Exception):
    """An operation was given a parameter or buffer of another network; the message names it."""


class Owning(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Stops a forward pass of a copy at the first parameter that is not the copy's own."""

    def __init__(self, copied: nn.Module, original: nn.Module) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        # By storage: a view of a weight, transposed or detached, is still the other network's.
        self.own = {storage_of(value) for value in tensors_of(copied).values()}
        self.named = tensors_of(original)
        self.foreign = {storage_of(value): name for name, value in self.named.items()}

    def __torch_dispatch__(
        self,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        for value in tensors_in((args, kwargs or {})):
            storage = storage_of(value)
            if storage in self.foreign:
                raise ForeignTensorError(self.foreign[storage])
            # What was wrapped may hold the network that the original itself was copied from.
            if isinstance(value, nn.Parameter) and storage not in self.own:
                raise ForeignTensorError(self._alike(value))
        return func(*args, **(kwargs or {}))

    def _alike(self, value: Tensor) -> str:
        """Return the name of the original's first entry with the same numbers, or shape."""
        same = [n for n, one in self.named.items() if one.shape == value.shape]
        equal = [name for name in same if torch.equal(self.named[name].cpu(), value.cpu())]
        return (equal or same or [""])[0]


def require_own_parameters(
    network: nn.Module, body: nn.Module, example_inputs: Arguments
) -> dict[str, Tensor]:
    """Return the ancestor's parameters and buffers on the CPU; copies with them do as it does.

    Raises:
        TaskError: copies compute with the original's parameters, or something else than it does,
            or it does not run at all.
    """
    plain = {name: one.detach().cpu().clone() for name, one in tensors_of(network).items()}
    whole = grow(body, plain, {}).eval()
    require_given(whole, plain, network)
    try:
        with torch.no_grad(), still(), Owning(whole, network):
            ours = tensors_in(opened(fresh(example_inputs).call(whole)))
    except ForeignTensorError as error:
        raise refusal(network, str(error)) from error
    except Exception as error:
        raise TaskError(of_inputs(network, example_inputs, error)) from error
    if ours and not any(one.numel() for one in ours):
        raise TaskError(
            "the ancestor gives nothing for its example inputs: its outputs have no elements. Give "
            "at least one example."
        )
    if (device := device_of(network)).type != "cpu":  # which may round otherwise
        there = {name: one.to(device, copy=True) for name, one in plain.items()}
        ours = _outputs_of(grow(body, there, {}), example_inputs)
    said = difference(ours, _outputs_of(network, example_inputs))
    if said and not _agree_in_double(network, body, plain, example_inputs):
        raise TaskError(
            f"a copy of the network does not compute what the network does ({said}): "
            f"{unusual(network, '')}. Offspring are copies, so they would not either."
        )
    return plain


def _agree_in_double(
    network: nn.Module, body: nn.Module, plain: Mapping[str, Tensor], example_inputs: Arguments
) -> bool:
    """Tell whether a copy and the ancestor give the same in double precision.

    A replacement adds up in another order, and eight bits round what comes out to a hundredth.
    """
    values, inputs = {n: doubled(one) for n, one in plain.items()}, example_inputs.mapped(doubled)
    there = {name: one.to(device_of(network), copy=True) for name, one in values.items()}
    try:
        due = _outputs_of(network, inputs, there)
    except Exception:  # noqa: BLE001  not every network runs in double precision
        return False
    return not difference(_outputs_of(grow(body, values, {}), inputs), due)


def _outputs_of(
    network: nn.Module, example_inputs: Arguments, values: Mapping[str, Tensor] | None = None
) -> list[Tensor]:
    """Return the outputs of the ancestor itself in evaluation, and leave it as it was.

    Args:
        network: the ancestor.
        example_inputs: its inputs.
        values: parameters and buffers to compute with; its own if not given.
    """
    modes = [(module, module.training) for module in network.modules()]
    try:
        with torch.no_grad(), still():
            inputs = fresh(example_inputs).to(device_of(network))
            network.eval()
            if values is None:
                outputs = inputs.call(network)
            else:
                outputs = functional_call(network, dict(values), inputs.args, dict(inputs.kwargs))
    finally:
        for module, training in modes:
            module.training = training
    return [one.cpu() for one in tensors_in(opened(outputs))]


def of_inputs(network: nn.Module, inputs: Arguments, error: Exception) -> str:
    """Return in words that a network does not run on its example inputs, and what they are."""
    given = ", ".join(f"{_kind(one)} of {tuple(one.shape)}" for one in inputs.tensors)
    weights = next((_kind(one) for one in network.parameters()), "nothing")
    return (
        f"the ancestor cannot run on its example inputs: {type(error).__name__}: {error}. They "
        f"are {given or 'no tensors'}, and its weights are {weights}. Give inputs as the network "
        "takes them, by shape, order of axes and type: the first training example, or "
        "example_inputs."
    )


def _kind(tensor: Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")


def require_given(copied: nn.Module, values: Mapping[str, Tensor], network: nn.Module) -> None:
    """Refuse a network whose copies do not hold the parameters that they are given.

    Args:
        copied: a copy that was made with these values.
        values: its parameters and buffers.
        network: the original.

    Raises:
        TaskError: which entry is another one.
    """
    held = tensors_of(copied)
    for name, value in values.items():
        if name not in held or storage_of(held[name]) != storage_of(value):
            raise TaskError(
                f"a copy of the network does not hold the {name!r} that it is given: "
                f"{unusual(network, name)}. Let Python copy it, or evolve a network without that."
            )


def refusal(network: nn.Module, entry: str) -> TaskError:
    """Return the refusal of a network whose copies compute with an entry of the original."""
    return TaskError(
        f"a copy of the network computes with {entry!r} of the original, so every offspring would "
        f"compute with the ancestor's weights: {unusual(network, entry)}. Remove it before "
        "evolving, and apply it to the result."
    )


def unusual(network: nn.Module, entry: str) -> str:
    """Return unusual ways of the modules around an entry, for people who look for a cause."""
    owner = entry.rpartition(".")[0]
    around = [owner.rsplit(".", up)[0] for up in range(owner.count(".") + 1)]
    found = [
        f"{f'layer {name!r}' if name else 'the network'} has {what}"
        for name in dict.fromkeys([*around, ""])
        for what in _ways_of(network.get_submodule(name))
    ]
    return "; ".join(found) or "its code may hold the original in a closure, a hook or a global"


def _ways_of(module: nn.Module) -> list[str]:
    ways = []
    if "forward" in vars(module):
        ways.append("a forward that was put in the place of its class's")
    if module._forward_hooks or module._forward_pre_hooks:  # noqa: SLF001  torch has no other way
        ways.append("forward hooks")
    own = [kind for kind in type(module).__mro__ if kind.__module__.partition(".")[0] != "torch"]
    ways += [
        f"a {name} of its own"
        for name in ("__deepcopy__", "__reduce__", "__reduce_ex__", "__getstate__", "__setstate__")
        if any(name in vars(kind) for kind in own if kind is not object)
    ]
    return ways
