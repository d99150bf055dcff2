"""Latency of a network on this machine, measured as it runs."""

from __future__ import annotations

from typing import Any

import attrs
import torch
from torch import Tensor, nn
from torch.utils.benchmark import Timer


@attrs.frozen
class Latency:
    """Seconds of one forward pass.

    Attributes:
        median: of several measurements.
        iqr: the distance between their quartiles.
    """

    median: float
    iqr: float


def latency(
    network: nn.Module, inputs: tuple[Any, ...], *, threads: int = 1, seconds: float = 1.0
) -> Latency:
    """Return the latency of a forward pass, without gradients, where the network is.

    Args:
        network: in evaluation mode, on any device; CUDA is waited for.
        inputs: on the same device.
        threads: of the CPU.
        seconds: how long to measure, at least.
    """
    timer = Timer(
        "network(*inputs)", globals={"network": network, "inputs": inputs}, num_threads=threads
    )
    with torch.inference_mode():
        found = timer.blocked_autorange(min_run_time=seconds)
    return Latency(found.median, found.iqr)


def batched(inputs: tuple[Any, ...], size: int) -> tuple[Any, ...]:
    """Return inputs of another batch size: the first example, as often as asked for."""
    return tuple(
        # Not an expanded view: a stride of 0 would be quicker to read than any real batch.
        value[:1].expand(size, *value.shape[1:]).contiguous()
        if isinstance(value, Tensor) and value.ndim
        else value
        for value in inputs
    )
