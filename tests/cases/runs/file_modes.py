"""Modes of the files that a run and an export write.

Right: whoever the umask lets read may read every file.
"""

from __future__ import annotations

import collections
import os

from common import PLACE, evoframe, evolve, verdict

faults = []
for mask in (0o022, 0o002, 0o077):
    os.umask(mask)
    run = evolve(f"run{mask:o}")
    evoframe("export", "--no-measure", run, "--out", PLACE / f"export{mask:o}")
    found = collections.defaultdict(list)
    for file in [*run.rglob("*"), *(PLACE / f"export{mask:o}").rglob("*")]:
        mode = file.stat().st_mode & 0o777
        if file.is_file() and mode & 0o444 != 0o444 & ~mask:
            found[mode].append(file.name)
    faults += [
        f"umask {mask:03o}: {len(names)} files of mode {mode:03o}" for mode, names in found.items()
    ]
verdict(faults, "whoever the umask lets read may read")
