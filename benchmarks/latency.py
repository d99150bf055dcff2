"""Latency of a run's ancestor and of the individual it delivers, on this machine.

    python benchmarks/latency.py runs/demo

prints a Markdown table: milliseconds of a forward pass in evaluation mode without gradients,
median and interquartile range by ``torch.utils.benchmark``, for 1 and 2 threads, batch 1 and 64.
Both networks are measured in turn in one process; the ratio is what carries over.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch

from evoframe.costs.latency import latency
from evoframe.run.run import Run

SECONDS = 2.0
"""How long each network is measured, at least."""


def main(path: Path) -> None:
    """Print the table of a finished run."""
    run = Run(path)
    networks = run.network(run.ancestor.id), run.network()
    example = run.recipe.task.example_inputs()
    print(f"| threads | batch | {run.ancestor.id}, ms | {run.best.id}, ms | faster |")
    print("|---|---|---|---|---|")
    for threads in (1, 2):
        for batch in (1, 64):
            inputs = tuple(torch.rand(batch, *value.shape[1:]) for value in example)
            before, now = (
                latency(network, inputs, threads=threads, seconds=SECONDS) for network in networks
            )
            print(
                f"| {threads} | {batch} | {1e3 * before.median:.3g} (IQR {1e3 * before.iqr:.1g}) "
                f"| {1e3 * now.median:.3g} (IQR {1e3 * now.iqr:.1g}) "
                f"| {before.median / now.median:.1f}x |"
            )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
