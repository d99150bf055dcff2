"""What it costs a life that every answer of every strategy is looked at.

    python benchmarks/checks.py

Runs two generations of two networks, and adds up the CPU seconds that are spent in the functions
that look: at what strategies return, and whether they have changed what they were given. The lives
are as short as lives can be, one epoch of 256 examples, so that the shares are those of the worst
case; what looking costs does not grow with the length of a life.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import attrs
import torch
from overhead import resnet20
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

import evoframe
from evoframe.evolution import companions, conception, generation, growing_up, watch
from evoframe.plugin import Metric, Task, Untrained, doc
from evoframe.run.living import lives as run_lives

EXAMPLES, BATCH = 256, 64

LOOKING = {
    conception: ("require_inheritance", "require_dna", "require_allowance"),
    generation: ("require_families",),
    growing_up: ("require_trained", "require_same_synapses"),
    companions: ("require_phenotype", "require_loss"),
}
"""The functions that look at what strategies return, where they are called."""


def vgg() -> nn.Module:
    """Return VGG-16 for 32x32 images, with one hidden layer: 15 million weights."""
    layers: list[nn.Module] = []
    before = 3
    for width in (64, 64, 0, 128, 128, 0, 256, 256, 256, 0, 512, 512, 512, 0, 512, 512, 512, 0):
        if width:
            layers += [nn.Conv2d(before, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU()]
            before = width
        else:
            layers.append(nn.MaxPool2d(2))
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10))


NETWORKS = {"ResNet-20": resnet20, "VGG-16": vgg}


@attrs.frozen
class Noise(Task):
    """Random images with random labels: how quick lives are, and nothing else."""

    name: ClassVar[str] = "noise"
    network: str = attrs.field(default="ResNet-20", metadata=doc("which network"))
    metrics: ClassVar[tuple[Metric, ...]] = (Metric("accuracy"),)

    def ancestor(self, key: Any) -> nn.Module:
        """Return the network."""
        return NETWORKS[self.network]()

    def example_inputs(self) -> tuple[Tensor]:
        """Return one image."""
        return (torch.zeros(1, 3, 32, 32),)

    def batches(self, split: Any, *, shuffle: Any = None, batch_size: int | None = None) -> Any:
        """Yield batches, the same every time."""
        generator = torch.Generator().manual_seed(0)
        for _ in range(EXAMPLES // BATCH):
            images = torch.randn(BATCH, 3, 32, 32, generator=generator)
            images += {"train": 0, "validation": 1, "test": 2}[split]
            yield images, torch.randint(10, (BATCH,), generator=generator)

    def step(self, network: nn.Module, batch: Any) -> Tensor:
        """Return the loss."""
        return F.cross_entropy(network(batch[0]), batch[1])

    def measure(self, network: nn.Module, batch: Any) -> dict[str, Tensor]:
        """Return whether each example is right."""
        return {"accuracy": (network(batch[0]).argmax(1) == batch[1]).float()}


class Clock:
    """Adds up CPU seconds of functions."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def timed(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function, timed."""

        def run(*given: Any, **named: Any) -> Any:
            begun = time.process_time()
            try:
                return function(*given, **named)
            finally:
                self.seconds += time.process_time() - begun

        return run


def measured(network: str) -> tuple[float, float, float]:
    """Return CPU seconds of a life, of looking at answers in it, and of looking at inputs."""
    answers, inputs = Clock(), Clock()
    for module, names in LOOKING.items():
        for name in names:
            setattr(module, name, answers.timed(getattr(module, name)))
    watch.digests = inputs.timed(watch.digests)
    lives: list[float] = []
    own = generation.live

    def live(*given: Any) -> Any:
        begun = time.process_time()
        try:
            return own(*given)
        finally:
            lives.append(time.process_time() - begun)

    run_lives.live = live
    with tempfile.TemporaryDirectory() as folder:
        evoframe.evolve(
            Noise(network=network),
            out=Path(folder) / "run",
            encoding="synaptic",
            ancestor=Untrained(),
            generations=4,
            population=1,
            device="cpu",
            options=["training.epochs=1"],
        )
    count = len(lives)
    return sum(lives) / count, answers.seconds / count, inputs.seconds / count


def main() -> None:
    """Print a Markdown table."""
    torch.set_num_threads(1)
    print("| network | a life, CPU s | looking at answers | looking at inputs |")
    print("|---|---|---|---|")
    for network in NETWORKS:
        life, answers, inputs = measured(network)
        print(
            f"| {network} | {life:.2f} | {1e3 * answers:.1f} ms, {answers / life:.2%} "
            f"| {1e3 * inputs:.1f} ms, {inputs / life:.2%} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
