"""Metrics whose names are words that logs or records use themselves.

Right: they work as other names do, or the task is refused (exit code 2) before a folder is made.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import attrs
from tiny import Tiny

from evoframe.plugin import Metric, doc


@attrs.frozen
class Named(Tiny):
    """A metric of any name."""

    name = "named"
    metric: str = attrs.field(default="accuracy", metadata=doc("what it is called"))

    @property
    def metrics(self):
        return (Metric(self.metric),)

    def measure(self, network, batch):
        return {self.metric: super().measure(network, batch)["accuracy"]}


if __name__ == "__main__":
    from common import PLACE, RECIPE, evoframe, last, verdict

    faults = []
    words = [
        "seconds",
        "individual",
        "parents",
        "synapses",
        "event",
        "level",
        "self",
        "a b",
        "é",
        "flops",
    ]
    for word in words:
        out = PLACE / f"run-{words.index(word)}"
        more = ["--task", f"{__file__}:Named", "-o", f'task.metric="{word}"', "--generations", 2]
        done = evoframe("evolve", *RECIPE, *more, "--out", out)
        if done.returncode and (done.returncode != 2 or out.exists() or "Traceback" in done.stderr):
            faults.append(f"a metric {word!r}: {last(done)}")
    verdict(faults, "any name works, or is refused at the start")
