"""The examples run, and stay short."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.py"))
NEEDS = {"deploy": "onnxruntime", "pretrained_timm": "timm"}
"""Libraries of examples that evoframe itself does without."""
OFFLINE = {"pretrained_timm": ["--random"]}
"""What keeps an example from downloading."""


@pytest.mark.slow
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_the_example_runs(example: Path, tmp_path: Path) -> None:
    """An example is the first code that people copy."""
    needed = NEEDS.get(example.stem, "evoframe")
    if find_spec(needed) is None:
        pytest.skip(f"{needed} is not installed")
    out = ["--out", str(tmp_path / "out")] if '"--out"' in example.read_text() else []
    result = subprocess.run(
        [sys.executable, example, *out, *OFFLINE.get(example.stem, [])],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )

    assert result.returncode == 0, result.stderr
    assert result.stdout


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_the_example_is_short(example: Path) -> None:
    """Whoever opens an example wants to see it at a glance."""
    code = [line for line in example.read_text().splitlines() if line.strip()]

    assert len(code) < 60
