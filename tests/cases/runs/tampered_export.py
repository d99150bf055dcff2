"""Exports that were tampered with: a byte, a tensor, a number in the JSON.

Right: `evoframe.load` compares what it read with the digest that the export holds, and refuses with
ExportError; what cannot matter (a space in the JSON) may load. Arguments: tries, seed.
"""

from __future__ import annotations

import collections
import sys

from common import PLACE, evoframe, evolve, verdict
from tampering import tampers, tried

tries, seed = int((sys.argv[1:] or [300])[0]), int((sys.argv[2:] or [41])[0])
run = evolve("run")
evoframe("export", "--no-measure", run, "--out", PLACE / "export")
counts, examples = collections.Counter(), {}
for name, architecture, weights in tampers(PLACE / "export", tries, seed):
    outcome = tried(PLACE / "tampered", architecture, weights, PLACE / "export")
    counts[outcome] += 1
    examples.setdefault(outcome, name)
print(dict(counts), "first of each:", examples)
bad = {name: count for name, count in counts.items() if name not in ("refused", "same")}
verdict(
    [f"of {tries} tampered exports {bad}"] if bad else [],
    f"none of {tries} loads as another network",
)
