"""Matrices: parameters of layers of one's own, found by the products that read them.

A class says nothing of a layer that somebody has written: ``x @ self.w``, an ``einsum``, a
projection that holds its matrix as (inputs, outputs). So one forward pass is watched, and what is
multiplied by a parameter, or a view of one, has synapses. It also tells which layer is the last:
that of the outputs, wherever it stands in the code.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode  # the documented place of this class

from evoframe.kernel import key
from evoframe.kernel.modules import arguments, duplicate
from evoframe.kernel.tensors.storage import storage_of

PRODUCTS: Mapping[str, int] = {"mm": 0, "addmm": 1, "bmm": 0, "linear": 0, "convolution": 0}
"""Operations that multiply, with the place of the first of their two factors."""


def read_by_products(
    network: nn.Module, inputs: Callable[[], arguments.Inputs]
) -> tuple[list[str], list[str]]:
    """Return the matrices of somebody's own layers that products read, and all that is read.

    Args:
        network: any; it is not changed.
        inputs: gives example inputs.

    Returns:
        Names of matrices in the order of the network; and the names of all parameters by which
        anything is multiplied, in the order in which they are last. Nothing for both where the
        network does not run.
    """
    given = arguments.Arguments.of(inputs())
    for device in ("meta", "cpu"):
        on_meta = device == "meta"
        make = duplicate.without_numbers if on_meta else duplicate.duplicate
        try:
            twin = make(network).to(device).eval()
            seen = _Products(twin)
            with key.untouched(), torch.no_grad(), seen:
                given.to(torch.device(device)).call(twin)
        except Exception:  # noqa: BLE001, S112  not every network runs without contents
            continue
        own = [name for name in _of_own_layers(network) if name in seen.weights]
        return own, list(seen.weights)
    return [], []


def _of_own_layers(network: nn.Module) -> list[str]:
    """Return the parameters with two axes that belong to modules which torch does not come with.

    Lists and mappings of parameters belong to the module around them.
    """
    names = {id(value): name for name, value in reversed([*network.named_parameters()])}
    return [
        names[id(value)]
        for module in network.modules()
        for value in module.parameters(recurse=False)
        if value.ndim == 2
        and (
            isinstance(module, nn.ParameterList | nn.ParameterDict)
            or not type(module).__module__.startswith("torch.nn.")
        )
    ]


class _Products(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Sees by which parameters anything is multiplied.

    Attributes:
        weights: their names, in the order of the last time.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        # A view of a parameter has its storage; what is computed from one has not.
        self._names = {storage_of(value): name for name, value in network.named_parameters()}
        self.weights: dict[str, None] = {}

    def __torch_dispatch__(
        self,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        if (first := PRODUCTS.get(func.overloadpacket.__name__)) is not None:
            left, right = (self._name(value) for value in args[first : first + 2])
            # Where parameters meet, as learned queries and a projection, the right one weighs.
            if (name := right or left) is not None:
                self.weights.pop(name, None)
                self.weights[name] = None
        return func(*args, **(kwargs or {}))

    def _name(self, value: Tensor) -> str | None:
        return self._names.get(storage_of(value)) if value.layout == torch.strided else None
