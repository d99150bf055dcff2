"""The benchmark of faults, in small: kills, tampering, fuzzing, and an unkind system."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "faults.py"


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_nothing_goes_unnoticed() -> None:
    """Every digest is the unbroken run's, and nothing that was damaged is taken for whole."""
    words = [sys.executable, BENCHMARK, "--kills", "4", "--tampered", "300", "--fuzzed", "120"]

    done = subprocess.run(words, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "WRONG" not in done.stdout
