"""SIGTERM, as schedulers and `docker stop` send it, to a run with `serial` and with `processes`.

Right: no process is left after 10 s, and the last line says how to go on, as after Ctrl-C.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

from common import EVOFRAME, PLACE, RECIPE, verdict


def family(session):
    """Return the living processes of a session."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(fields[3]) == session and fields[0] != "Z":
            found.append(int(stat.parent.name))
    return found


faults = []
for executor in (["serial"], ["processes", "-o", "executor.workers=2"]):
    run = PLACE / executor[0]
    words = [
        *EVOFRAME,
        "evolve",
        *RECIPE,
        "-o",
        "task.nap=1",
        "--executor",
        *executor,
        "--out",
        str(run),
    ]
    env = {**os.environ, "OMP_NUM_THREADS": "1"}
    with (PLACE / "said").open("w") as said:
        child = subprocess.Popen(words, env=env, stdout=said, stderr=said, start_new_session=True)
    while child.poll() is None and not list(run.glob("lives/g2*")):
        time.sleep(0.05)
    child.terminate()
    child.wait(60)
    end = time.time() + 10
    while family(child.pid) and time.time() < end:
        time.sleep(0.1)
    left, text = family(child.pid), (PLACE / "said").read_text()
    for process in left:
        os.kill(process, signal.SIGKILL)
    if left:
        faults.append(f"{executor[0]}: {len(left)} processes are left after 10 s")
    if "resume" not in (text.strip().splitlines() or [""])[-1]:
        faults.append(f"{executor[0]}: exit {child.returncode}, nothing says how to go on")
    if "leaked" in text:
        faults.append(f"{executor[0]}: a warning of leaked semaphores")
verdict(faults, "nobody is left, and the last line says how to go on")
