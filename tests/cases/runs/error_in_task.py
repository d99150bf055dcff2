"""A task raises an exception, or ends the interpreter, in the middle of a run.

Right: the last line names the individual, what was raised, and `evoframe resume`.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import attrs
from tiny import Tiny

from evoframe.plugin import doc

COUNT = []


@attrs.frozen
class Faulty(Tiny):
    """Fails in the tenth pass over the training data, in the life of g2s1."""

    name = "faulty"
    how: str = attrs.field(default="raise", metadata=doc("raise, or exit"))

    def batches(self, split, *, shuffle=None, batch_size=None):
        COUNT.extend([split] * (split == "train"))
        if len(COUNT) == 10 and split == "train" and not os.environ.get("REPAIRED"):
            if self.how == "exit":
                sys.exit(3)
            raise OSError("the disk of the data is gone")
        return super().batches(split, shuffle=shuffle, batch_size=batch_size)


if __name__ == "__main__":
    from common import PLACE, RECIPE, evoframe, last, verdict

    faults = []
    for how in ("raise", "exit"):
        out = PLACE / how
        more = ["--task", f"{__file__}:Faulty", "-o", f"task.how={how}", "--out", out]
        done = evoframe("evolve", *RECIPE, *more)
        missing = [word for word in ("g2s1", "resume") if word not in done.stderr[-600:]]
        if missing or "Traceback" in done.stderr:
            faults.append(f"{how}: {last(done)}, not named: {', '.join(missing)}")
        again = evoframe("resume", out, REPAIRED="1")
        if again.returncode:
            faults.append(f"{how}, then resume: {last(again)}")
    verdict(faults, "the last line says who failed, why, and how to go on")
