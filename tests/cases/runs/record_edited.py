"""run.toml is edited by hand between two sessions of a run.

Right: resume is refused (exit code 2), naming the option, its value then and its value now.
"""

from __future__ import annotations

import shutil

from common import PLACE, evoframe, evolve, last, verdict

run = evolve("run", TINY_STOP_AFTER="3")
faults = []
for name, old, new in (
    ("seed", "seed = 0", "seed = 1"),
    ("retention", "retention = 0.8", "retention = 0.5"),
    ("population", "population = 3", "population = 4"),
    ("epochs", "epochs = 3", "epochs = 2"),
    ("task.width", "width = 32", "width = 16"),
):
    copy = shutil.copytree(run, PLACE / name)
    text = (copy / "run.toml").read_text()
    assert old in text
    (copy / "run.toml").write_text(text.replace(old, new, 1))
    done = evoframe("resume", copy)
    if done.returncode != 2 or name.split(".")[-1] not in done.stderr:
        faults.append(f"{new}: {last(done)}")
verdict(faults, "what was edited is refused")
