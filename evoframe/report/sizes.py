"""Ancestor and individual side by side: what they cost, and how fast they are on this machine."""

from __future__ import annotations

from collections.abc import Mapping

from rich.table import Table

from evoframe.costs.bytes import costs_in_bits
from evoframe.costs.latency import Latency, latencies
from evoframe.run.run import Run

COSTS = {
    "parameters": "parameters",
    "flops": "FLOPs of a forward pass",
    "synapses": "synapses",
    "bytes": "bytes of weights",
    "activations": "peak bytes of activations",
}


def side_by_side(run: Run, identity: str) -> tuple[Table, list[str]]:
    """Return a table of costs and measured latencies, and warnings where they disagree."""
    table = Table(box=None, pad_edge=False)
    table.add_column("")
    for name in ("ancestor", identity, "times less"):
        table.add_column(name, justify="right", no_wrap=True)
    before, after = (
        costs_in_bits(run.anatomy, run.genotype(one), run[one].notes)
        for one in (run.ancestor.id, identity)
    )
    for name, label in COSTS.items():
        if before.get(name) and after.get(name):
            fewer = f"{before[name] / after[name]:.1f}"
            table.add_row(label, f"{before[name]:,.0f}", f"{after[name]:,.0f}", fewer)
    inputs = run.grown_from.task.example_inputs()
    slow, fast = (latencies(run.network(one), inputs) for one in (run.ancestor.id, identity))
    for size in (one for one in slow if one in fast):
        cells = (
            f"{one.median * 1e3:.3f} ± {one.iqr * 1e3:.3f} ms" for one in (slow[size], fast[size])
        )
        ratio = f"{slow[size].median / fast[size].median:.1f}"
        table.add_row(f"latency, batch {size}, 1 thread", *cells, ratio)
    return table, warnings(before, after, slow, fast)


def warnings(
    before: Mapping[str, float],
    after: Mapping[str, float],
    slow: Mapping[int, Latency],
    fast: Mapping[int, Latency],
) -> list[str]:
    """Return a line for every batch size at which fewer FLOPs brought no speed."""
    if not after.get("flops") or before.get("flops", 0.0) < 1.2 * after["flops"]:
        return []
    fewer = before["flops"] / after["flops"]
    return [
        f"warning: {fewer:.1f} times fewer FLOPs, but no lower latency at batch {size} on this "
        "machine: fixed costs of each operation prevail"
        for size in slow
        # Within 5 % the two cannot be told apart by a measurement of a second.
        if size in fast and fast[size].median > 0.95 * slow[size].median
    ]
