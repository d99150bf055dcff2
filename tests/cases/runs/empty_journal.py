"""The journal of a run is emptied (a full disk, a careless copy) or lost; individuals are there.

Right: resume is refused (exit code 2): there are individuals, and no journal that knows them.
"""

from __future__ import annotations

import shutil

from common import PLACE, evoframe, evolve, last, verdict

run = evolve("run", TINY_STOP_AFTER="3")
faults = []
for how in ("emptied", "lost"):
    copy = shutil.copytree(run, PLACE / how)
    for file in copy.glob("journal*"):
        file.unlink()
    if how == "emptied":
        (copy / "journal.sqlite").touch()
    done = evoframe("resume", copy)
    if done.returncode != 2 or "Traceback" in done.stderr:
        faults.append(f"journal {how}: {last(done)}")
verdict(faults, "a run without its journal is not begun again")
