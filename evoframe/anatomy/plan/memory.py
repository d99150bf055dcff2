"""Memory: the most bytes of activations that are alive at once in a forward pass."""

from __future__ import annotations

import weakref
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode  # the documented place of this class

from evoframe.anatomy.channels.calls import tensors_in
from evoframe.anatomy.trace.forward import plain_operations
from evoframe.anatomy.trace.shortcuts import run
from evoframe.anatomy.trace.values import Answer, answered
from evoframe.kernel.modules.arguments import Arguments


def peak_bytes(network: nn.Module, inputs: Arguments, answers: Sequence[Answer] = ()) -> int:
    """Return the peak bytes of a forward pass without gradients, inputs included, weights not.

    Args:
        network: on the meta device, in evaluation mode.
        inputs: its inputs, there too; their batch size is the one that is counted for.
        answers: what its questions for values are answered.
    """
    memory = _Memory(inputs)
    # Step by step, because what a step gives takes memory.
    with plain_operations(whole=False), memory, answered(answers):
        inputs.call(network)
    return memory.peak


class _Memory(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Follows how many bytes are alive; views of one storage count once."""

    def __init__(self, inputs: Arguments) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.alive: dict[int, int] = {}
        self.now = self.peak = 0
        for value in inputs.tensors:
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
                # Weights cost nothing here, and neither do
                # views of them, which share their storage.
                self.alive.setdefault(id(value.untyped_storage()), 0)
        out = run(func, args, kwargs)
        for value in tensors_in(out):
            self._see(value)
        return out

    def _see(self, value: Tensor) -> None:
        if value.layout != torch.strided:  # sparse ones have several storages, and are small
            return
        storage = value.untyped_storage()
        if id(storage) not in self.alive:
            self.alive[id(storage)] = storage.nbytes()
            self.now += storage.nbytes()
            self.peak = max(self.peak, self.now)
            # What is freed on meta is freed when it would
            # be on a device: when its last reference goes.
            weakref.finalize(storage, self._forget, id(storage))

    def _forget(self, key: int) -> None:
        self.now -= self.alive.pop(key, 0)
