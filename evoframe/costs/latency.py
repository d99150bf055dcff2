"""Latency of a network on this machine, measured as it runs."""

from __future__ import annotations

import time
from typing import Any

import attrs
import torch
from torch import nn
from torch.utils.benchmark import Timer

from evoframe.kernel.arguments import Arguments, Inputs


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
    network: nn.Module,
    inputs: Inputs,
    *,
    threads: int = 1,
    seconds: float = 1.0,
    processor: bool = False,
) -> Latency:
    """Return the latency of a forward pass, without gradients, where the network is.

    Args:
        network: in evaluation mode, on any device; CUDA is waited for.
        inputs: on the same device.
        threads: of the CPU.
        seconds: how long to measure, at least.
        processor: count the time of the processor, of one thread, where others use it as well.
    """
    given = Arguments.of(inputs)
    clock: dict[str, Any] = {"timer": time.process_time} if processor else {}
    timer = Timer(
        "network(*args, **kwargs)",
        globals={"network": network, "args": given.args, "kwargs": given.kwargs},
        num_threads=threads,
        **clock,
    )
    with torch.inference_mode():
        found = timer.blocked_autorange(min_run_time=seconds)
    return Latency(found.median, found.iqr)


def batched(inputs: Inputs, size: int) -> Arguments:
    """Return inputs of another batch size: the first example, as often as asked for."""
    return Arguments.of(inputs).mapped(
        # Not an expanded view: a stride of 0 would be quicker to read than any real batch.
        lambda one: one[:1].expand(size, *one.shape[1:]).contiguous() if one.ndim else one
    )
