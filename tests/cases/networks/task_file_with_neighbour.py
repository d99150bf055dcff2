"""A task file that imports the file beside it, named from its own folder and from another.

Right: the folder of a task file is searched while the file is read, as Python does for a script.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

EXPECT = "exact"
FOLDER = Path(__file__).with_name("task_with_neighbour")


def check() -> None:
    command = [sys.executable, "-P", "-m", "evoframe", "inspect", "--task"]
    with TemporaryDirectory() as elsewhere:
        for place, name in ((FOLDER, "my_task.py"), (elsewhere, FOLDER / "my_task.py")):
            done = subprocess.run(
                [*command, f"{name}:Halves"], cwd=place, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, (
                f"exit code {done.returncode}: {done.stderr.strip().splitlines()[-1]}"
            )
