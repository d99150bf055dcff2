"""A journal that a later evoframe has written: a column more; and one row that is damaged.

Right: exit code 2; the first journal is of a later version (it says which, and which is read here),
the second is damaged (it says in which row).
"""

from __future__ import annotations

import shutil
import sqlite3

from common import PLACE, evoframe, evolve, last, verdict

run = evolve("run", TINY_STOP_AFTER="3")
faults = []
for name, change, words in (
    ("later", "ALTER TABLE individuals ADD COLUMN colour TEXT", ("version",)),
    ("damaged", "UPDATE individuals SET fitness = '{' WHERE id = 'g3s0'", ("damaged", "g3s0")),
):
    copy = shutil.copytree(run, PLACE / name)
    with sqlite3.connect(copy / "journal.sqlite") as journal:
        journal.execute(change)
    journal.close()
    done = evoframe("resume", copy)
    if done.returncode != 2 or not all(word in done.stderr for word in words):
        faults.append(f"{name}: {last(done)}")
verdict(faults, "both are refused in words")
