"""The page on reports: its code runs, and what it says of files is so."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from evoframe.cli import main

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "report.md"


@pytest.mark.slow
def test_the_page_on_reports_runs(tmp_path: Path, monkeypatch, capsys) -> None:
    pytest.importorskip("pandas")
    monkeypatch.chdir(tmp_path)
    namespace: dict[str, Any] = {}

    for code in re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), flags=re.DOTALL):
        exec(code, namespace)

    said = capsys.readouterr().out
    assert "g1s0" in said
    assert namespace["everything"]["individuals"]
    (line,) = re.findall(r"\$ evoframe (report runs/short .*)", PAGE.read_text("utf-8"))
    assert CliRunner().invoke(main, line.split()).exit_code == 0
    assert Path("demo.html").read_text("utf-8").startswith("<!doctype html>")
    assert len(namespace["table"]) == len(namespace["run"].individuals) == 3
