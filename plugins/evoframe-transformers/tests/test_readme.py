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


def blocks(kind):
    return re.findall(rf"```{kind}\n(.*?)```", README.read_text("utf-8"), re.DOTALL)


@pytest.mark.slow
@pytest.mark.skipif(find_spec("transformers") is None, reason="transformers is not installed")
def test_the_readme_runs_and_the_folder_is_used_without_evoframe(tmp_path):
    def run(*command):
        own = {"HF_MODULES_CACHE": str(tmp_path / "modules"), "HF_HUB_OFFLINE": "1"}
        done = subprocess.run(  # noqa: S603
            [sys.executable, *command],
            cwd=tmp_path, env={**os.environ, **own}, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout

    files = {"reading.py": "", "use.py": "", "rest.py": ""}
    for block in blocks("python"):
        first = block.partition("\n")[0].removeprefix("# ")
        files[first if first in files else "rest.py"] += block
    files["use.py"] += "import sys\nassert 'evoframe' not in sys.modules\n"
    for name, content in files.items():
        (tmp_path / name).write_text(content)
    _, evolve = blocks("console")

    run("-m", *shlex.split(evolve.removeprefix("$ ")))
    told = run("rest.py")
    used = run("use.py")

    figures = {line.split()[0]: line.split() for line in told.splitlines() if "-small" in line}
    assert set(figures) == {"reading-small", "counting-small", "pictures-small"}
    for row in re.findall(r"^\| `.*-small.*\|$", README.read_text("utf-8"), re.MULTILINE):
        name, parameters, flops = (
            cell.strip(" `").replace(",", "") for cell in row.split("|")[1:4]
        )
        assert figures[name][1:3] == [parameters, flops]
    assert f"{figures['reading-small'][1]} parameters" in used
