"""What training.compile gives: a life whose steps are compiled, and one whose steps are not.

    python benchmarks/compiled.py                 # on a CPU, one thread
    python benchmarks/compiled.py --device cuda

Prints how long the first step takes in which torch compiles, with no cache of former runs; what a
later step takes, compiled and not; and after how many steps compiling has paid.
"""

from __future__ import annotations

import argparse
import os
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import attrs
import batched
import torch

from evoframe import anatomy as anatomies
from evoframe.kernel import device as devices
from evoframe.kernel.context import Context
from evoframe.kernel.events import Phase, Silence
from evoframe.kernel.key import Key
from evoframe.kernel.life import Life
from evoframe.plugin import Gradient


def now(device: torch.device) -> float:
    """Return the CPU seconds of this process and of compilers it has run; on a GPU, the clock."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
        return time.perf_counter()
    kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return sum(sum(resource.getrusage(kind)[:2]) for kind in kinds)


@attrs.define(eq=False)
class Watch(Silence):
    """Adds up what compiling takes."""

    device: torch.device
    seconds: float = 0.0
    times: int = 0

    @contextmanager
    def phase(self, phase: Phase) -> Iterator[None]:
        """Do a phase of work, and time it."""
        begun = now(self.device)
        yield
        self.seconds, self.times = self.seconds + now(self.device) - begun, self.times + 1


def lived(backend: str | None, context: Context, epochs: int) -> tuple[float, float]:
    """Return the seconds of compiling and those of a step beside it, of one life."""
    watch = Watch(context.device)
    here = attrs.evolve(context, life=Life(announcer=watch))
    training = Gradient(epochs=epochs, learning_rate=0.01, batch_size=64, compile=backend)
    phenotype = context.anatomy.develop(context.ancestor)
    begun = now(context.device)
    training.train(phenotype, here)
    took = now(context.device) - begun
    steps = epochs * batched.EXAMPLES // 64 - watch.times
    return watch.seconds, (took - watch.seconds) / steps


def measured(name: str, options: argparse.Namespace) -> str:
    """Return a row of the table."""
    torch.manual_seed(0)
    build, shape = batched.NETWORKS[name]
    network, device = build(), devices.resolve(options.device)
    task = batched.task_of(network, shape)
    anatomy: Any = anatomies.survey(network, task.example_inputs(), task.evolvable(network))
    whole, anatomy = anatomy.genotype().to(device), anatomy.to(device)
    context = Context(whole, None, anatomy, task, device, 2, Key(0))
    lived(None, context, 1)  # warms up
    _, plain = lived(None, context, options.epochs)
    compiling, compiled = lived("inductor", context, options.epochs)
    gained = plain - compiled
    pays = f"{compiling / gained:,.0f}" if gained > 0 else "never"
    return f"| {name} | {compiling:.1f} | {1e3 * plain:.2f} | {1e3 * compiled:.2f} | {pays} |"


def main() -> None:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--epochs", type=int, default=10)
    options = parser.parse_args()
    # Before the compiler is imported: one process, of whose work the operating system knows.
    os.environ["TORCHINDUCTOR_COMPILE_THREADS"] = "1"
    os.environ["TORCHINDUCTOR_FORCE_DISABLE_CACHES"] = "1"
    device = devices.resolve(options.device)
    print(f"{devices.describe(device)}, torch {torch.__version__}, batches of 64\n")
    print(
        "| network | compiling, s a life | a step, ms | compiled, ms | has paid after steps "
        "|\n|---|---|---|---|---|"
    )
    with devices.arithmetic(device, threads=1, strict=False):
        for name in batched.NETWORKS:
            print(measured(name, options), flush=True)


if __name__ == "__main__":
    main()
