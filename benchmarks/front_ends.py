"""What it costs to see the operations of a network: three ways, CPU seconds on one thread.

Needs torchvision beside a CPU build of torch (``pip install --no-deps torchvision``); the schemas
of its compiled operators, which are missing there, are declared before it is imported.

    python benchmarks/front_ends.py
"""

from __future__ import annotations

import copy
import statistics
import time
from collections.abc import Callable
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

MODELS = ("resnet18", "mobilenet_v2", "densenet121", "vit_b_16", "swin_t")
MISSING = ("nms(Tensor a, Tensor b, float c) -> Tensor", "qnms(Tensor a) -> Tensor")


class Recorder(TorchDispatchMode):
    """Counts dispatched calls."""

    calls = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.calls += 1
        return func(*args, **(kwargs or {}))


def main() -> None:
    """Print a Markdown table."""
    torch.set_num_threads(1)
    library = torch.library.Library("torchvision", "DEF")
    for schema in MISSING:
        library.define(schema)
    import torchvision.models

    print(f"torch {torch.__version__}, torchvision {torchvision.__version__}\n")
    print("| model | recorded on meta | torch.fx | torch.export |\n|---|---|---|---|")
    for name in MODELS:
        network = getattr(torchvision.models, name)(weights=None).eval()
        costs = [cpu_seconds(way) for way in ways(network)]
        print(f"| {name} | " + " | ".join(f"{cost:.3f}" for cost in costs) + " |")


def ways(network: torch.nn.Module) -> list[Callable[[], Any]]:
    """Return the three front ends, ready to be called."""
    example = torch.randn(1, 3, 224, 224)
    twin = copy.deepcopy(network).to("meta")

    def recorded() -> None:
        with torch.no_grad(), Recorder():
            twin(example.to("meta"))

    return [
        recorded,
        lambda: torch.fx.symbolic_trace(network),
        lambda: torch.export.export(network, (example,)),
    ]


def cpu_seconds(call: Callable[[], Any], repeats: int = 3) -> float:
    """Return the median CPU time of a call."""
    times = []
    for _ in range(repeats):
        start = time.process_time()
        call()
        times.append(time.process_time() - start)
    return statistics.median(times)


if __name__ == "__main__":
    main()
