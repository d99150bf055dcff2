"""Judge evoframe on what happens to runs: damage, records, signals, growth.

A case is a script of ``runs/``. It prints ``right: ...`` or ``short: ...`` as its last line, and
ends with exit code 0 or 1.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1] / "runs"
HELPERS = ("common", "tiny", "tampering")


def names() -> list[str]:
    """The names of all cases."""
    return sorted(file.stem for file in FOLDER.glob("*.py") if file.stem not in HELPERS)


def falls_short(name: str) -> str:
    """What is missing, or nothing; raises RuntimeError if the script itself is broken."""
    done = subprocess.run(
        [sys.executable, FOLDER / f"{name}.py"], capture_output=True, text=True, check=False
    )
    said = (done.stdout.strip().splitlines() or [""])[-1]
    if not said.startswith(("right", "short")):
        raise RuntimeError(f"{name} is broken: {done.stderr}")
    return said.removeprefix("short: ") if done.returncode else ""
