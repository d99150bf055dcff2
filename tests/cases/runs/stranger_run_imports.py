"""Somebody else's run folder is looked at; its run.toml names a Python file that lies in it.

Right: `show`, `compare` and `show --json` read a run without importing anything from it, or ask.
"""

from __future__ import annotations

import shutil

from common import PLACE, evoframe, evolve, verdict

run = evolve("run")
(run / "stranger.py").write_text(
    (PLACE / "tiny.py").read_text() + f"\nopen({str(PLACE / 'MARK')!r}, 'w').close()\n"
)
text = (run / "run.toml").read_text()
(run / "run.toml").write_text(text.replace(f"{PLACE}/tiny.py:Tiny", f"{run}/stranger.py:Tiny"))
faults = []
for words in (["show", "--json", run], ["show", run], ["compare", run, run]):
    done = evoframe(*words)
    if (PLACE / "MARK").exists():
        faults.append(f"{words[0]} ran the stranger's file (exit {done.returncode})")
        (PLACE / "MARK").unlink()
    shutil.rmtree(run / "__pycache__", ignore_errors=True)
verdict(faults, "looking at a run runs nothing of it")
