"""How well a table of layers tells the latency of smaller networks: ResNet-20, cut many ways.

    python benchmarks/latency_table.py WEIGHTS [--batch 1] [--points 5] [--threads 1] [--processor]

WEIGHTS is the checkpoint that benchmarks/resnet20.py speaks of. The table of the whole network is
measured first; then the network is cut by magnitude at several factors of FLOPs, all over the
network and alike in each layer, at multiples of 1 and of 8, and each smaller network is measured
in turn with the whole one. Printed as Markdown: milliseconds as measured and as told by the table,
and how much they differ; beside what one would tell from FLOPs alone.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from pathlib import Path
from typing import Any

import torch
from resnet20 import ResNet20
from torch import nn

import evoframe
from evoframe.costs.latency import latency

CUTS = [
    (f"{factor:g}x", scope, multiple)
    for scope in ("network", "layer")
    for multiple in (1, 8)
    for factor in (1.5, 2, 3, 4, 8)
    if multiple == 1 or factor <= 4
]
ROUNDS = 5
"""How often each network is measured, in turn with the others."""


def trained(weights: Path) -> nn.Module:
    """Return the ResNet-20 of a checkpoint."""
    saved = torch.load(weights, map_location="cpu", weights_only=True)["state_dict"]
    network = ResNet20()
    network.load_state_dict({k.removeprefix("module."): v for k, v in saved.items()})
    return network.eval()


def cut(
    network: nn.Module, inputs: torch.Tensor, table: Path, how: tuple[str, str, int]
) -> nn.Module:
    """Return a smaller network."""
    flops, scope, multiple = how
    return evoframe.shrink(
        network,
        (inputs[:1],),
        flops=flops,
        scope=scope,
        multiple=multiple,
        importance="magnitude",
        latency_table=table,
    )


def milliseconds(
    networks: list[nn.Module], inputs: torch.Tensor, how: dict[str, Any]
) -> list[float]:
    """Return the median of some rounds of each network."""
    found: list[list[float]] = [[] for _ in networks]
    for _ in range(ROUNDS):
        for times, network in zip(found, networks, strict=True):
            times.append(1e3 * latency(network, (inputs,), seconds=0.3, **how).median)
    return [statistics.median(times) for times in found]


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("weights", type=Path)
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--points", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--processor", action="store_true", help="count the processor's time")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    network, inputs = trained(given.weights), torch.rand(given.batch, 3, 32, 32)
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder, "table.json")
        how = {"threads": given.threads, "processor": given.processor}
        more = {"batch": given.batch, "points": given.points}
        print(evoframe.latency_table(network, (inputs[:1],), table, **how, **more), "\n")
        smaller = [cut(network, inputs, table, one) for one in CUTS]
    whole, *took = milliseconds([network, *smaller], inputs, how)
    print("| FLOPs | compared | multiple | measured | by the table | off | by FLOPs | off |")
    print("|---|---|---|---|---|---|---|---|")
    errors, naive = [], []
    for (factor, scope, multiple), one, now in zip(CUTS, smaller, took, strict=True):
        told = evoframe.shrunk(one)
        ratio = told.after["latency"] / told.before["latency"]
        plain = told.after["flops"] / told.before["flops"]
        errors.append(abs(ratio * whole / now - 1))
        naive.append(abs(plain * whole / now - 1))
        print(
            f"| {factor} | {scope} | {multiple} | {now:.3f} ms | {ratio * whole:.3f} ms "
            f"| {ratio * whole / now - 1:+.0%} | {plain * whole:.3f} ms "
            f"| {plain * whole / now - 1:+.0%} |"
        )
    print(f"\nthe whole network: {whole:.3f} ms, batch {given.batch}")
    for name, some in (("table", errors), ("FLOPs", naive)):
        print(f"error by {name}: mean {statistics.mean(some):.1%}, largest {max(some):.1%}")


if __name__ == "__main__":
    main()
