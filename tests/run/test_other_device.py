"""Nothing of a run is left on the CPU, or expected there, when it is on another device."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from support.cuda_runs import RECIPES, STOPPED

SCRIPT = Path(__file__).parents[1] / "support" / "other_device.py"


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.skipif(
    shutil.which("c++") is None or shutil.which("ninja") is None,
    reason="needs a compiler of C++ and ninja, to build a device",
)
def test_runs_on_a_device_where_tensors_cannot_be_mixed(tmp_path) -> None:
    """Of all kinds that are tried on CUDA where there is one; in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(SCRIPT), str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )

    lines = [json.loads(one) for one in done.stdout.splitlines() if one.startswith("{")]
    whole = {"alive": True, "delivered": ["cpu"]}
    assert lines == [
        *({"run": name, **whole} for name in RECIPES),
        *({"run": name, "same": True} for name in STOPPED),
    ], done.stderr[-4000:]
