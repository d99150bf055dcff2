"""The files of some parents are damaged on disk while a run is put down.

Right: what is damaged is lived again (its parents, its key and the recipe are there), and the run
ends with the digest of a run that nobody disturbed.
"""

from __future__ import annotations

import shutil

from common import PLACE, evoframe, evolve, finished, last, verdict

run = evolve("run", TINY_STOP_AFTER="3")
whole = shutil.copytree(run, PLACE / "whole")
evoframe("resume", whole)
faults = []
for how in ("one bit", "gone"):
    copy = shutil.copytree(run, PLACE / how.replace(" ", "-"))
    for file in (copy / "individuals").glob("g3*"):
        content = bytearray(file.read_bytes())
        content[-5] ^= 1
        file.unlink()
        if how == "one bit":
            file.write_bytes(content)
    done = evoframe("resume", copy)
    if finished(copy) != finished(whole):
        faults.append(f"parents' files, {how}: {last(done)}")
verdict(faults, "what was damaged was made again, bit for bit")
