"""The tutorial on plugins, executed from its first line to its last but the upload."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from evoframe.cli import main
from evoframe.registry.file_names import FROM_FILE
from evoframe.testing import other_process

PAGE = Path(__file__).parents[2] / "docs" / "tutorial" / "first-plugin.md"
QUICK = shlex.split("-o task.train_size=200 -o training.epochs=1 --generations 2")


def blocks() -> list[tuple[str, str]]:
    return re.findall(r"```(\w+)\n(.*?)```", PAGE.read_text(), flags=re.DOTALL)


@pytest.mark.slow
def test_the_tutorial_does_what_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader who copies everything gets what is printed there, mistakes included."""
    pytest.importorskip("mlxtend")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EVOFRAME_EXAMPLES", "6")
    file, shown, ran = Path("evoframe-lottery/evoframe_lottery.py"), "", []
    for language, text in blocks():
        if language == "python" and "class Lottery" in text:
            file.write_text(text)
            for name in [one for one in sys.modules if one.startswith(FROM_FILE)]:
                monkeypatch.delitem(sys.modules, name)  # a reader's commands are new processes
            other_process._process.cache_clear()
        elif language == "python":
            body = Path("evoframe-lottery/tests/test_lottery.py").read_text()
            assert text.strip() in body
        elif language == "toml":
            assert text in Path("evoframe-lottery/pyproject.toml").read_text()
        elif language == "text":
            for line in text.strip().splitlines():
                assert line in shown
        else:
            for line in text.strip().splitlines():
                ran.append(line)
                shown = run(line.removeprefix("$ "), tmp_path)

    assert "lottery" in Path("runs/lottery/run.toml").read_text()
    assert len(ran) == 9


def run(line: str, folder: Path) -> str:
    program, *arguments = shlex.split(line)
    if program == "evoframe":
        quick = QUICK if arguments[0] == "evolve" else []
        return CliRunner().invoke(main, [*arguments, *quick]).output
    if arguments[:2] == ["-m", "pytest"]:
        path = os.pathsep.join([str(folder / arguments[2]), *sys.path])
        done = subprocess.run(
            [sys.executable, *arguments, "-q", "-p", "no:cacheprovider"],
            capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": path},
        )  # fmt: skip
        assert done.returncode == 0, done.stdout
        return done.stdout
    assert program in ("pip", "python")  # installing and uploading are left to the reader
    return ""
