"""Lasting absence: whoever trains a delivered network, what is absent in it stays absent.

Nothing of it is in the forward pass or in the names of parameters: a hook on each parameter makes
its gradient zero where it is absent, and after every step of any torch optimiser, and after
``load_state_dict``, the entries are zero again. So a network may be compiled, copied and pickled.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.optim.optimizer import register_optimizer_step_post_hook

from evoframe.kernel import wanted
from evoframe.kernel.bits import Absent
from evoframe.kernel.genotype import Masks

KEY = "evoframe.absent"
"""Under which a module keeps its absences among its hooks: the numbers that torch gives to hooks
begin anew in every process, so one would soon be given again in a module that was unpickled."""


def lasting(network: nn.Module, masks: Masks) -> nn.Module:
    """The same network, in which absent entries of parameters stay absent from here on.

    Args:
        network: changed in place.
        masks: bool, true where an entry is present, shaped like the parameters they are named for.
    """
    parameters = dict(network.named_parameters(remove_duplicate=False))
    by_parameter = {id(parameters[name]): ~mask for name, mask in masks.items()}
    for module in network.modules():  # every owner of a tied parameter loads its own state
        own = dict(module.named_parameters(recurse=False, remove_duplicate=False))
        absent = {n: by_parameter[id(p)] for n, p in own.items() if id(p) in by_parameter}
        if absent:
            absences = Absences({name: own[name] for name in absent}, absent)
            _hooks(module)[KEY] = absences
    return network


def plain(network: nn.Module) -> nn.Module:
    """Return the same network as a plain module, in which absent synapses may become nonzero.

    Networks of ``run.network()`` and ``evoframe.load()`` keep absent synapses at zero, and need
    evoframe to be unpickled. After this call neither holds; weights are unchanged.

    Args:
        network: changed in place.

    >>> network = evoframe.plain(evoframe.load("smaller", factory))
    >>> len(pickle.dumps(network)) > 0  # and to unpickle it, torch is enough
    True
    """
    for module in wanted.module("plain(network)", network).modules():
        absences = _hooks(module).pop(KEY, None)
        if isinstance(absences, Absences):
            absences.release()
    return network


def is_plain(network: nn.Module) -> bool:
    """Tell whether nothing in a network is kept absent."""
    return all(KEY not in _hooks(module) for module in network.modules())


class Absences:
    """Which entries of a module's own parameters are absent; copied and pickled with the module.

    It holds the parameters themselves, so that a copy finds the copied ones: they are the same
    objects in the memo of a copy and of a pickle.
    """

    def __init__(
        self, parameters: Mapping[str, nn.Parameter], absent: Mapping[str, Tensor]
    ) -> None:
        """Take the parameters, and bools shaped like them, true where an entry is absent."""
        self.parameters, self.absent = dict(parameters), dict(absent)
        for name in self.absent:
            self._hold(name)

    def __call__(self, module: nn.Module, _: object) -> None:
        """Clear what ``load_state_dict`` wrote, into parameters that it may have put anew."""
        for name in self.absent:
            found = getattr(module, name, None)
            if isinstance(found, nn.Parameter):
                self.parameters[name] = found
                self._hold(name)
                _clear(found)

    def __repr__(self) -> str:
        """How many entries are absent."""
        said = (f"{name}: {int(one.sum())} of {one.numel()}" for name, one in self.absent.items())
        return f"Absences({', '.join(said)})"

    def release(self) -> None:
        """Let go of the parameters."""
        for parameter in self.parameters.values():
            hooks = parameter._backward_hooks or {}  # noqa: SLF001  no public way to list them
            for key in [key for key, hook in hooks.items() if isinstance(hook, Masking)]:
                del hooks[key]

    def _hold(self, name: str) -> None:
        parameter, absent = self.parameters[name], self.absent[name]
        if parameter.shape != absent.shape or _masking(parameter) is not None:
            return
        _watch_optimisers()
        learns = parameter.requires_grad
        parameter.requires_grad_(True)  # only such parameters take hooks, and they keep them
        parameter.register_hook(Masking(absent))  # type: ignore[no-untyped-call]
        parameter.requires_grad_(learns)

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """The same for the parameters of the copy."""
        return type(self)(copy.deepcopy(self.parameters, memo), self.absent)

    def __reduce__(self) -> tuple[Any, ...]:
        """A bit for each entry."""
        shapes = {name: one.shape for name, one in self.absent.items()}
        packed = Absent.of({name: ~one for name, one in self.absent.items()}, shapes)
        return _unpickled, (self.parameters, dict(packed.shapes), packed.packed)


class Masking:
    """The hook of one parameter: its gradient is zero where it is absent."""

    def __init__(self, absent: Tensor) -> None:
        """Take a bool shaped like the parameter, true where an entry is absent."""
        self.absent = absent

    def __call__(self, gradient: Tensor) -> Tensor:
        """The gradient of what is present; a sparse one as it is, steps are cleared anyway."""
        if gradient.layout is not torch.strided:
            return gradient
        return gradient.masked_fill(self.on(gradient.device), 0)

    def on(self, device: torch.device) -> Tensor:
        """The bool on a device, to which it moves for good."""
        if self.absent.device != device:
            self.absent = self.absent.to(device)
        return self.absent


def _unpickled(
    parameters: Mapping[str, nn.Parameter], shapes: Mapping[str, torch.Size], packed: Tensor
) -> Absences:
    present = Absent(shapes, packed).masks()
    return Absences(parameters, {name: ~mask for name, mask in present.items()})


def _hooks(module: nn.Module) -> dict[Any, Any]:
    """What a module calls when it has loaded a state dict, by key; copied and pickled with it."""
    return module._load_state_dict_post_hooks  # noqa: SLF001


def _masking(parameter: Tensor) -> Masking | None:
    hooks = parameter._backward_hooks  # noqa: SLF001  there is no public way to list them
    return next((one for one in (hooks or {}).values() if isinstance(one, Masking)), None)


def _clear(parameter: Tensor) -> None:
    masking = _masking(parameter)
    if masking is not None:
        with torch.no_grad():
            parameter.masked_fill_(masking.on(parameter.device), 0)


@cache
def _watch_optimisers() -> None:
    """Clear after steps as well: some optimisers mix the gradients of several entries."""

    def clear(optimiser: torch.optim.Optimizer, *_: Any) -> None:
        for parameter in _parameters_of(optimiser):
            _clear(parameter)

    register_optimizer_step_post_hook(clear)


def _parameters_of(optimiser: torch.optim.Optimizer) -> Iterator[Tensor]:
    for group in optimiser.param_groups:
        yield from group["params"]
