"""The README, from its first block to its last, in a folder of its own."""

import os
import re
import shlex
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

README = Path(__file__).parents[1] / "README.md"
LAST = """
import evoframe
for name, one in (("whole.pt", run.ancestor), ("smaller.pt", run.best)):
    print("figures", name, *(f"{one.fitness.costs[cost]:.3g}" for cost in ("parameters", "flops")))
"""


def blocks():
    return re.findall(r"```python\n(.*?)```", README.read_text("utf-8"), re.DOTALL)


@pytest.mark.slow
@pytest.mark.skipif(
    any(find_spec(one) is None for one in ("ultralytics", "torchvision", "polars")),
    reason="needs ultralytics",
)
def test_the_readme_runs(tmp_path):
    def run(*command):
        own = {"YOLO_CONFIG_DIR": str(tmp_path), "YOLO_OFFLINE": "true"}
        done = subprocess.run(  # noqa: S603  the commands of our own README
            [sys.executable, *command], cwd=tmp_path, env={**os.environ, **own},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout

    first, *after = blocks()
    (tmp_path / "rectangles.py").write_text(first)
    (tmp_path / "after.py").write_text("".join(after) + LAST)
    (line,) = re.findall(r"^\$ (evoframe evolve .*)$", README.read_text("utf-8"), re.MULTILINE)

    run("rectangles.py")
    run("-m", *shlex.split(line))
    told = run("after.py")

    assert "True" in told.splitlines()
    figures = [row.split() for row in told.splitlines() if row.startswith("figures")]
    assert [row[2:] for row in figures] == [["4.16e+04", "1.13e+07"], ["2.27e+04", "5.82e+06"]]
    sizes = [(tmp_path / one).stat().st_size for one in ("whole.pt", "smaller.pt")]
    assert sizes[1] < 0.75 * sizes[0]
