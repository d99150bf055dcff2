"""Runs at addresses: read, exported to and mirrored, with the stores that fsspec has in itself."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import attrs
import fsspec
import pytest
from click.testing import CliRunner, Result

import evoframe
from evoframe import hookimpl
from evoframe.cli import main
from evoframe.errors import ConfigError, RunError
from evoframe.plugin import Mirror, Observer
from evoframe.remote import Remote, fetched

BLOBS = f"{Path(__file__).parents[1] / 'support' / 'blobs.py'}:Blobs"


@pytest.fixture
def memory() -> Iterator[Any]:
    store = fsspec.filesystem("memory")
    store.store.clear()
    yield store
    store.store.clear()


def evolve(out: Path, *observers: Any, task: str = BLOBS) -> evoframe.Run:
    options = ["training.epochs=2", "environment.retention=0.9"]
    return evoframe.evolve(
        task, out=out, generations=4, population=1, seed=3, options=options, observer=observers
    )


def upload(folder: Path, store: Any, to: str) -> None:
    for file in folder.rglob("*"):
        if file.is_file():
            store.pipe_file(f"{to}/{file.relative_to(folder).as_posix()}", file.read_bytes())


def called(*words: str) -> Result:
    return CliRunner().invoke(main, list(words))


@attrs.frozen(eq=False)
class Interruption(Observer):
    """Somebody presses Ctrl-C once, when the third generation is finished."""

    name: ClassVar[str] = "interruption"
    pressed: ClassVar[list[bool]] = []

    @hookimpl
    def evoframe_generation_finished(self, event: Any) -> None:
        if event.generation == 3 and not self.pressed:
            self.pressed.append(True)
            raise KeyboardInterrupt


def test_a_run_at_an_address_is_shown_without_its_code(tmp_path: Path, memory: Any) -> None:
    """The file of its task is gone: nothing that the run names is imported."""
    task = shutil.copy(Path(BLOBS.rpartition(":")[0]), tmp_path / "mine.py")
    run = evolve(tmp_path / "run", task=f"{task}:Blobs")
    upload(tmp_path / "run", memory, "/there/run")
    Path(task).unlink()

    shown = called("show", "memory://there/run", "--json")
    page = tmp_path / "page.html"
    reported = called("report", "memory://there/run", "--out", str(page))

    assert json.loads(shown.output)["digest"] == run.digest()
    assert reported.exit_code == 0
    assert page.exists()
    assert called("show", "memory://there/run").exit_code == 0


def test_an_export_goes_to_an_address(tmp_path: Path, memory: Any) -> None:
    evolve(tmp_path / "run")
    upload(tmp_path / "run", memory, "/there/run")
    here = tmp_path / "net"
    words = ("export", "memory://there/run", "--no-measure", "--to", "memory://there/net")

    refused = called(*words)
    assert refused.exit_code == 2
    assert "--out" in refused.output
    done = called(*words, "--out", str(here))
    assert done.exit_code == 0, done.output
    files = {one.relative_to(here).as_posix() for one in here.rglob("*") if one.is_file()}
    assert set(Remote("memory://there/net").sizes()) == files
    again = called(*words, "--out", str(tmp_path / "other"))
    assert again.exit_code == 2
    assert "--force" in again.output
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize("kind", ["memory", "file"])
def test_a_run_goes_on_from_its_mirror(kind: str, tmp_path: Path, memory: Any) -> None:
    """The disk is lost after the third generation, and the fourth is lived on another."""
    address = "memory://far/run" if kind == "memory" else (tmp_path / "far" / "run").as_uri()
    whole = evolve(tmp_path / "whole")
    Interruption.pressed.clear()
    with pytest.raises(KeyboardInterrupt):
        evolve(tmp_path / "run", Mirror(address), Interruption())
    shutil.rmtree(tmp_path / "run")
    assert json.loads(called("show", address, "--json").output)["individuals"]

    fetched(address, tmp_path / "back")
    resumed = evoframe.resume(tmp_path / "back", observer=[Mirror(address), Interruption()])

    assert resumed.digest() == whole.digest()
    shown = json.loads(called("show", address, "--json").output)
    assert shown["digest"] == whole.digest()
    assert not [name for name in Remote(address).sizes() if "lock" in name or "lives" in name]


def test_resume_copies_a_mirror_to_a_folder_that_holds_no_run(tmp_path: Path, memory: Any) -> None:
    whole = evolve(tmp_path / "run", Mirror("memory://far/run"))
    words = ("resume", str(tmp_path / "back"), "--from", "memory://far/run")

    assert called(*words).exit_code == 0
    assert evoframe.open_run(tmp_path / "back").digest() == whole.digest()
    refused = called(*words)
    assert refused.exit_code == 2
    assert "already contains a run" in refused.output


def test_a_mirror_that_fails_is_told_and_made_up_for(
    tmp_path: Path, memory: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The run goes on, and so does the mirror as soon as it can."""
    put, calls = Remote.put, []

    def failing(self: Remote, file: Path, name: str) -> None:
        calls.append(name)
        if len(calls) < 3:
            raise RunError("the network is down.")
        put(self, file, name)

    monkeypatch.setattr(Remote, "put", failing)
    run = evolve(tmp_path / "run", Mirror("memory://far/run"))

    assert "the mirror lacks generation 1: the network is down." in caplog.text
    shown = json.loads(called("show", "memory://far/run", "--json").output)
    assert shown["digest"] == run.digest()


def test_a_mirror_takes_no_other_run_in(
    tmp_path: Path, memory: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    evolve(tmp_path / "one", Mirror("memory://far/run"))
    before = dict(Remote("memory://far/run").sizes())
    evolve(tmp_path / "two", Mirror("memory://far/run"))

    assert "there is a run at memory://far/run already" in capsys.readouterr().err
    assert Remote("memory://far/run").sizes() == before


@pytest.mark.parametrize(
    ("address", "wanted"),
    [
        ("memory://nowhere/run", "there is no run at memory://nowhere/run"),
        ("nonsense://a/b", "nonsense://a/b is no address that fsspec knows"),
        ("file:///nowhere/run", "there is no run at file:///nowhere/run"),
    ],
)
def test_what_cannot_be_read_is_one_line(address: str, wanted: str, memory: Any) -> None:
    for words in (("show", address), ("report", address), ("resume", "nowhere", "--from", address)):
        said = called(*words)
        assert said.exit_code == 2
        assert wanted in said.output
        assert len(said.output.strip().splitlines()) == 1


def test_names_at_an_address_lead_nowhere_else(tmp_path: Path, memory: Any) -> None:
    memory.store["/there/run/run.toml"] = memory.open("/there/run/run.toml", "wb")
    memory.pipe_file("/there/run/run.toml", b"")
    memory.store["/there/run/../../x"] = memory.store["/there/run/run.toml"]

    with pytest.raises(RunError, match="leads out of it"):
        fetched("memory://there/run", tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_mirror_needs_an_address() -> None:
    with pytest.raises((ConfigError, ValueError), match="s3://bucket/run"):
        Mirror("far/run")
