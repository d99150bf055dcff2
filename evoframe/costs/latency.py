"""Latency of a network on this machine, measured as it runs."""

from __future__ import annotations

import time
from typing import Any

import attrs
import torch
from torch import nn
from torch.utils.benchmark import Timer

from evoframe.kernel.modules.arguments import Arguments, Inputs

BATCHES = (1, 64)
LONGEST = 3.0
"""Seconds: measuring takes several passes, and nobody waits for minutes to see a figure."""


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


def latencies(
    network: nn.Module, inputs: Inputs, *, threads: int = 1, seconds: float = 1.0
) -> dict[int, Latency]:
    """Return the latency of a network by batch size.

    A batch is left out when one pass of it would take longer than ``LONGEST``.

    Args:
        network: in evaluation mode, on any device.
        inputs: of one example or more, on the same device.
        threads: of the CPU.
        seconds: how long to measure each, at least.
    """
    found = {1: latency(network, batched(inputs, 1), threads=threads, seconds=seconds)}
    for size in BATCHES:
        if size > 1 and size * found[1].median < LONGEST:
            given = batched(inputs, size)
            found[size] = latency(network, given, threads=threads, seconds=seconds)
    return found


def batched(inputs: Inputs, size: int) -> Arguments:
    """Return inputs of another batch size: the first example, as often as asked for."""
    return Arguments.of(inputs).mapped(
        # Not an expanded view: a stride of 0 would be quicker to read than any real batch.
        lambda one: one[:1].expand(size, *one.shape[1:]).contiguous() if one.ndim else one
    )
