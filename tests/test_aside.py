"""What is written aside is there as a whole or not at all, and no neighbour is touched."""

from __future__ import annotations

from pathlib import Path

import pytest

from evoframe.aside import written_aside


def contents(folder: Path) -> dict[str, str]:
    files = (one for one in folder.rglob("*") if one.is_file())
    return {str(one.relative_to(folder)): one.read_text() for one in files}


def put(path: Path, text: str, *, kind: str) -> None:
    if kind == "folder":
        path.mkdir(parents=True)
        path /= "inside"
    path.write_text(text)


@pytest.fixture(params=["folder", "file"])
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


def test_it_takes_its_place_and_no_neighbours(tmp_path: Path, kind: str) -> None:
    """Whatever names they have that a program might take for its own."""
    for name in ("small.part", ".new-small", ".old-small", "small.pt.part"):
        put(tmp_path / name, "a neighbour's", kind=kind)
    before, target = contents(tmp_path), tmp_path / "small.pt"
    for text in ("first", "second"):
        with written_aside(target) as aside:
            assert aside.suffix == ".pt"
            put(aside, text, kind=kind)
        inside = "small.pt/inside" if kind == "folder" else "small.pt"
        assert contents(tmp_path) == before | {inside: text}


def test_parents_are_made(tmp_path: Path, kind: str) -> None:
    with written_aside(tmp_path / "a" / "b") as aside:
        put(aside, "new", kind=kind)
    assert [one.name for one in (tmp_path / "a").iterdir()] == ["b"]


@pytest.mark.parametrize("fails", ["in the block", "at the rename"])
def test_what_fails_leaves_what_was_there(
    tmp_path: Path, kind: str, fails: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path / "small", "old", kind=kind)
    before, rename, replace = contents(tmp_path), Path.rename, Path.replace

    def failing(self, target, move=rename):
        if ".new-" in self.name:
            raise OSError("no room")
        return move(self, target)

    monkeypatch.setattr(Path, "rename", failing)
    monkeypatch.setattr(Path, "replace", lambda self, target: failing(self, target, replace))

    def replaced() -> None:
        with written_aside(tmp_path / "small") as aside:
            put(aside, "new", kind=kind)
            if fails == "in the block":
                raise OSError("no room")

    with pytest.raises(OSError, match="no room"):
        replaced()
    assert contents(tmp_path) == before


def test_at_every_moment_the_old_or_the_new_is_whole(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that whoever is killed loses nothing."""
    put(tmp_path / "small", "old", kind=kind)
    seen = []

    def looked(move):
        def moved(self, *target):
            found = move(self, *target)
            seen.append(set(contents(tmp_path).values()))
            return found

        return moved

    for name in ("rename", "replace"):
        monkeypatch.setattr(Path, name, looked(getattr(Path, name)))
    with written_aside(tmp_path / "small") as aside:
        put(aside, "new", kind=kind)
        seen.append(set(contents(tmp_path).values()))
    assert all("new" in one for one in seen)
    assert "old" in seen[0]
    if kind == "folder":
        assert "old" in seen[1]
