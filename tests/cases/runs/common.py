"""What the scripts share: the command line, a short run, its digest, and a last sentence."""

from __future__ import annotations

import atexit
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
EVOFRAME = (sys.executable, "-P", "-m", "evoframe")
PLACE = Path(tempfile.mkdtemp())
atexit.register(shutil.rmtree, PLACE, ignore_errors=True)
shutil.copy(HERE / "tiny.py", PLACE)
RECIPE = [
    "--task", f"{PLACE}/tiny.py:Tiny", "--generations", "5", "--population", "3",
    "--selection", "truncation", "-o", "environment.retention=0.8",
    "--observer", f"{PLACE}/tiny.py:Stop", "-o", "run.checkpoint=0",
]  # fmt: skip


def evoframe(*words, **variables):
    """Run the command line in a folder of its own; return what it did."""
    env = {**os.environ, "OMP_NUM_THREADS": "1", "COLUMNS": "2000", **variables}
    command = [*EVOFRAME, *map(str, words)]
    return subprocess.run(
        command, cwd=PLACE, env=env, capture_output=True, text=True, timeout=600, check=False
    )


def evolve(name, *more, **variables):
    """Return the folder of a run; interrupted if the environment variables say so."""
    done = evoframe("evolve", *RECIPE, *more, "--out", PLACE / name, **variables)
    assert done.returncode in (0, 130), done.stderr
    return PLACE / name


def shown(run):
    """Return what `evoframe show --json` says of a run."""
    done = evoframe("show", "--json", run)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def finished(run):
    """Return the digest of a run that came to its end, else a word about that."""
    done = evoframe("show", "--json", run)
    facts = json.loads(done.stdout) if done.returncode == 0 else {}
    return facts["digest"] if facts.get("finished") else "not finished"


def last(done):
    """Return the last line that a command said, short, and whether it was a traceback."""
    lines = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
    mark = "traceback, " if "Traceback" in done.stderr else ""
    return f"exit {done.returncode}, {mark}{(lines or ['nothing said'])[-1][:160]!r}".replace(
        str(PLACE), "."
    )


def cpu():
    """Return the CPU seconds of all commands so far."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def verdict(faults, right):
    """Print one sentence, and end with 0 if there are no faults."""
    print("short: " + "; ".join(faults) if faults else f"right: {right}")
    sys.exit(1 if faults else 0)
