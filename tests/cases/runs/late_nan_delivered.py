"""A metric that stops being a number in later generations is delivered as the best.

Right: what is delivered has a finite metric (the last that had one), or the run says why not.
"""

from __future__ import annotations

import math
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import attrs
import torch
from tiny import Tiny

from evoframe.plugin import doc


@attrs.frozen
class Late(Tiny):
    """Accuracy is no number for networks of fewer than 900 synapses."""

    name = "late"
    value: float = attrs.field(default=math.nan, metadata=doc("what is measured then"))

    def measure(self, network, batch):
        found = super().measure(network, batch)
        if sum(int((one != 0).sum()) for one in network.parameters()) >= 900:
            return found
        return {"accuracy": torch.full_like(found["accuracy"], self.value)}


if __name__ == "__main__":
    from common import evolve, shown, verdict

    faults = []
    for value in ("nan", "inf", "-inf"):
        facts = shown(
            evolve(f"run{value}", "--task", f"{__file__}:Late", "-o", f"task.value={value}")
        )
        best = next(one for one in facts["individuals"] if one["id"] == facts["best"])
        reached = best["metrics"]["accuracy"]
        if not isinstance(reached, float) or not math.isfinite(reached):
            faults.append(f"with {value} the best is {best['id']}, accuracy {reached}")
    verdict(faults, "the best has a finite metric")
