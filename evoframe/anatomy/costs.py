"""Costs of a network: what one forward pass takes, found without arithmetic."""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode  # the documented place of this class
from torch.utils.flop_counter import FlopCounterMode, flop_registry

from evoframe.anatomy.shortcuts import asked, run
from evoframe.anatomy.tracing import plain_operations, tensors_in


def of_forward(network: nn.Module, inputs: tuple[Any, ...]) -> dict[str, float]:
    """Return ``flops`` and ``activations`` (peak bytes) of one forward pass without gradients.

    A multiplication and the addition that follows it are two operations. Weights do not count as
    activations, inputs do.

    Args:
        network: on the meta device, in evaluation mode.
        inputs: its inputs, there too; their batch size is the one that is counted for.

    Returns:
        Nothing at all for a network that does not run on the meta device.
    """
    counter, memory = FlopCounterMode(display=False), _Memory(inputs)
    try:
        with plain_operations(), counter, memory:
            network(*inputs)
    except Exception:  # noqa: BLE001  a network may do anything; the survey has said what
        return {}
    return {"flops": float(counter.get_total_flops()), "activations": float(memory.peak)}


class _Memory(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Follows how many bytes are alive; views of one storage count once."""

    def __init__(self, inputs: tuple[Any, ...]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.alive: dict[int, int] = {}
        self.now = self.peak = 0
        for value in tensors_in(inputs):
            self._see(value)

    def __torch_dispatch__(
        self,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        for value in tensors_in((args, kwargs or {})):
            if isinstance(value, nn.Parameter):
                self.alive.setdefault(id(value.untyped_storage()), 0)
        counts = func.overloadpacket in flop_registry  # the counter of FLOPs has to see it too
        out = (asked if counts else run)(func, args, kwargs)
        for value in tensors_in(out):
            self._see(value)
        return out

    def _see(self, value: Tensor) -> None:
        storage = value.untyped_storage()
        if id(storage) not in self.alive:
            self.alive[id(storage)] = storage.nbytes()
            self.now += storage.nbytes()
            self.peak = max(self.peak, self.now)
            weakref.finalize(storage, self._forget, id(storage))

    def _forget(self, key: int) -> None:
        self.now -= self.alive.pop(key, 0)


def bytes_of(values: Mapping[str, Tensor]) -> int:
    """Return how many bytes tensors take on disk, without headers."""
    return sum(
        value.numel() * torch.empty((), dtype=value.dtype).element_size()
        for value in values.values()
    )
