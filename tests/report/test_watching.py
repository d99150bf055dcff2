"""Watching a run from another process: what is told, and that nothing is touched."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from rich.console import Console
from rich.live import Live

from evoframe.cli import finish, main
from evoframe.report import watching
from evoframe.report.watching import State, shown, watch_lines, watch_table
from evoframe.run.disk.folder import RunFolder
from support.records import record

SLEEPER = """
import sys, time
from pathlib import Path
sys.path.insert(0, {support!r})
from blobs import Blobs
import attrs

@attrs.frozen
class Sleeper(Blobs):
    "Waits in its first life until a file is there."

    name = "sleeper"

    def step(self, network, batch):
        if (mark := Path({mark!r})).exists() and not Path({go!r}).exists():
            mark.with_suffix(".here").touch()
            while not Path({go!r}).exists():
                time.sleep(0.01)
        return super().step(network, batch)
"""


def invoke(*words: object) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


def content(path: Path) -> dict[str, bytes]:
    files = (file for file in path.rglob("*") if file.is_file() and file.stat().st_size)
    return {str(file): file.read_bytes() for file in files if not file.name.endswith("-shm")}


class Clock:
    """Time that passes only while somebody waits, and things that happen meanwhile."""

    def __init__(self, *happenings) -> None:
        self.time, self.happenings = 0.0, list(happenings)

    def now(self) -> float:
        return self.time

    def wait(self, seconds: float) -> None:
        self.time += 30.0
        if self.happenings:
            self.happenings.pop(0)()


def test_a_run_that_is_over_is_told_line_by_line(tmp_path: Path) -> None:
    path = record(tmp_path / "run", 25)
    before = content(path)

    done = invoke("watch", path)

    lines = done.output.splitlines()
    assert done.exit_code == 0
    assert [line.partition(":")[0] for line in lines[:25]] == [
        one.id for one in State.of(path).run.individuals
    ]
    assert "accuracy" in lines[0]
    assert "parameters" in lines[0]
    assert lines[-1] == "finished: the last generation was lived"
    assert content(path) == before


def test_a_run_that_nobody_lives_is_told_with_what_to_do(tmp_path: Path) -> None:
    path = record(tmp_path / "run", 5, finished=False)

    said = invoke("watch", path).output

    assert "no process is working on it" in said
    assert f"evoframe resume {path}" in said
    assert invoke("watch", tmp_path / "nowhere").exit_code == 2


def test_there_is_a_line_a_life_and_a_line_a_minute(tmp_path: Path) -> None:
    """However long a life takes, a reader of a log knows that somebody lives."""
    path, said = record(tmp_path / "run", 0, finished=False), []
    full = record(tmp_path / "full", 4)

    def come() -> None:
        (path / "journal.sqlite").write_bytes((full / "journal.sqlite").read_bytes())
        for name in ("journal.sqlite-wal", "journal.sqlite-shm"):
            (path / name).unlink(missing_ok=True)

    clock = Clock(*[lambda: None] * 4, come)
    with RunFolder(path).locked():
        watch_lines(path, said.append, wait=clock.wait, now=clock.now)

    quiet = [line for line in said if "is being trained" in line]
    assert len(quiet) == 2
    assert quiet[0].startswith("0 of 11 lives are on record")
    assert [line.partition(":")[0] for line in said[2:]] == ["g1s0", "g2s0", "g2s1", "g2s2",
                                                             "finished"]  # fmt: skip


def test_a_table_fits_the_terminal(tmp_path: Path) -> None:
    """The latest are shown, as many as there is room for, and how many stand above."""
    path = record(tmp_path / "run", 60)
    screen = io.StringIO()
    console = Console(force_terminal=True, width=90, height=16, file=screen)
    with Live(console=console, auto_refresh=False) as live:
        words = watch_table(path, live)
    plain = Console(width=90, file=io.StringIO(), record=True)
    plain.print(shown(State.of(path), 90, 16))

    last = State.of(path).run.individuals[-1].id
    lines = plain.export_text().strip().splitlines()
    assert last in screen.getvalue()
    assert words == lines[-1] == "finished: the last generation was lived"
    assert "50 more above" in lines[1]
    assert lines[-3].startswith(f"{last}*")
    assert len(lines) <= 16
    assert max(map(len, lines)) <= 90 or str(path) in max(lines, key=len)


def test_a_lock_is_seen_and_not_taken(tmp_path: Path) -> None:
    path = record(tmp_path / "run", 2)
    folder = RunFolder(path)

    assert not folder.is_held()
    with folder.locked():
        assert folder.is_held()
        assert State.of(path).held
    assert not folder.is_held()
    with folder.locked():
        pass


def test_show_tells_a_first_life_from_a_run_that_was_left(tmp_path: Path) -> None:
    path = record(tmp_path / "run", 0, finished=False)

    with RunFolder(path).locked():
        done = invoke("show", path)
    assert done.exit_code == 0
    assert "the ancestor is being trained" in done.output

    left = invoke("show", path)
    assert left.exit_code == 2
    assert f"evoframe resume {path}" in left.output


@pytest.mark.slow
def test_show_says_that_a_first_life_is_being_lived(tmp_path: Path) -> None:
    """And it is so: another process is in the middle of it."""
    mark, go = tmp_path / "mark", tmp_path / "go"
    support = str(Path(__file__).parents[1] / "support")
    (tmp_path / "sleeper.py").write_text(
        SLEEPER.format(support=support, mark=str(mark), go=str(go))
    )
    code = (
        "import sys, evoframe; from pathlib import Path\n"
        "from evoframe.run.living import lives\n"
        "old = lives.raise_ancestor\n"
        # The probe before a run takes a step too: only in the first life is it to wait.
        f"def late(*given, **named): Path({str(mark)!r}).touch(); return old(*given, **named)\n"
        "lives.raise_ancestor = late\n"
        "evoframe.evolve(sys.argv[1], out=sys.argv[2], generations=1, device='cpu')\n"
    )
    command = [sys.executable, "-c", code, f"{tmp_path / 'sleeper.py'}:Sleeper", "run"]
    process = subprocess.Popen(command, cwd=tmp_path, env=dict(os.environ))
    try:
        ready = threading.Event()
        while not mark.with_suffix(".here").exists():
            assert process.poll() is None
            ready.wait(0.02)

        done = invoke("show", tmp_path / "run")
        as_json = invoke("show", "--json", tmp_path / "run")
        notebook = State.of(tmp_path / "run").run._repr_html_()
    finally:
        go.touch()
        process.wait(120)

    assert done.exit_code == as_json.exit_code == 0
    assert "0 of 1 lives are on record; the ancestor is being trained" in done.output
    assert "evoframe watch" in done.output
    assert "Nobody is on record yet" in notebook
    assert process.returncode == 0
    assert "g1s0" in invoke("show", tmp_path / "run").output


def test_a_command_says_once_a_minute_how_far_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd
) -> None:
    """A log is never silent for long, and whoever says it ends with the run."""
    path = record(tmp_path / "run", 3, finished=False)
    monkeypatch.setattr(finish, "MINUTE", 0.01)
    said, before = threading.Event(), threading.active_count()
    words = watching.State.in_words
    monkeypatch.setattr(watching.State, "in_words", lambda self: (said.set(), words(self))[1])

    with RunFolder(path).locked(), finish.telling(path):
        assert said.wait(60)
    with finish.telling(tmp_path / "nowhere"):
        pass

    assert threading.active_count() == before
    assert "3 of 11 lives are on record; the next are in training" in capfd.readouterr().err
