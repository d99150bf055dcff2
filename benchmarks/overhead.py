"""What masks cost in training: a step of ResNet-20 with 80 % of its synapses absent.

    python benchmarks/overhead.py

Steps of four networks are taken in turn in one process, on one thread: dense; dense with our
packed masks applied after the optimiser; with bool masks multiplied one by one; and with
``torch.nn.utils.prune``. Prints the median of the CPU seconds of a step, and its ratio to dense.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812
from torch.nn.utils import prune

from evoframe.kernel.phenotype import Phenotype

ABSENT, BATCH = 0.8, 64


class Block(nn.Module):
    """Two convolutions and a way around them."""

    def __init__(self, inner: int, outer: int, stride: int) -> None:
        super().__init__()
        self.one = nn.Conv2d(inner, outer, 3, stride, 1, bias=False)
        self.two = nn.Conv2d(outer, outer, 3, 1, 1, bias=False)
        self.norms = nn.ModuleList(nn.BatchNorm2d(outer) for _ in range(2))
        self.around = nn.Conv2d(inner, outer, 1, stride) if stride > 1 else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, inner, H, W) to (N, outer, H / stride, W / stride)."""
        y = F.relu(self.norms[0](self.one(x)))
        return F.relu(self.norms[1](self.two(y)) + self.around(x))


def resnet20() -> nn.Module:
    """Return ResNet-20 for 32x32 images, with projections as shortcuts."""
    torch.manual_seed(0)
    widths = [16] * 4 + [32] * 3 + [64] * 3
    blocks = [Block(a, b, 1 + (b > a)) for a, b in itertools.pairwise(widths)]
    stem = [nn.Conv2d(3, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU()]
    return nn.Sequential(*stem, *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))


def stepper(network: nn.Module, enforce: Callable[[], None]) -> Callable[[], float]:
    """Return a function that takes one training step and gives its CPU seconds."""
    optimiser = torch.optim.SGD(network.parameters(), 0.01, momentum=0.9)
    images, labels = torch.randn(BATCH, 3, 32, 32), torch.randint(10, (BATCH,))

    def step() -> float:
        begun = time.process_time()
        optimiser.zero_grad()
        F.cross_entropy(network(images), labels).backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        enforce()
        return time.process_time() - begun

    return step


def ways() -> dict[str, Callable[[], float]]:
    """Return a stepper for each way to hold synapses absent."""
    generator = torch.Generator().manual_seed(0)
    packed, plain, pruned = resnet20(), resnet20(), resnet20()
    masks = {
        name: torch.rand(value.shape, generator=generator) > ABSENT
        for name, value in packed.named_parameters()
        if value.ndim > 1
    }
    weights = dict(plain.named_parameters())

    @torch.no_grad()
    def one_by_one() -> None:
        for name, mask in masks.items():
            weights[name].mul_(mask)

    for module in pruned.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            prune.l1_unstructured(module, "weight", ABSENT)  # type: ignore[no-untyped-call]
    return {
        "dense": stepper(resnet20(), lambda: None),
        "packed masks, evoframe": stepper(packed, Phenotype(packed, masks).enforce),
        "bool masks one by one": stepper(plain, one_by_one),
        "torch.nn.utils.prune": stepper(pruned, lambda: None),
    }


def main() -> None:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=30)
    steps = parser.parse_args().steps
    torch.set_num_threads(1)
    taken: dict[str, list[float]] = {}
    steppers = ways()
    for index in range(steps + 2):
        for name, step in steppers.items():
            seconds = step()
            if index > 1:
                taken.setdefault(name, []).append(seconds)
    dense = statistics.median(taken["dense"])
    print("| masks | CPU ms a step | ratio to dense |\n|---|---|---|")
    for name, seconds in taken.items():
        ratios = [a / b for a, b in zip(seconds, taken["dense"], strict=True)]
        print(
            f"| {name} | {1e3 * statistics.median(seconds):.1f} | {statistics.median(ratios):.3f} |"
        )
    print(f"\nmedian of {steps} steps; dense {1e3 * dense:.1f} ms")


if __name__ == "__main__":
    main()
