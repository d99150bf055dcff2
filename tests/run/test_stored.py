"""Runs of every format there ever was are shown and exported for ever.

`stored/make.py` says how they were made; each has a file of facts beside it.
"""

from __future__ import annotations

import json
import tarfile
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import evoframe
from evoframe.cli.main import main
from evoframe.config import files
from evoframe.run.disk import formats
from evoframe.strategies.task.evonet import EvoNet

STORED = sorted((Path(__file__).parent / "stored").glob("format-*.json"))
ENDS = ("finished", "unfinished")

pytestmark = pytest.mark.parametrize("facts", STORED, ids=lambda file: file.stem)


def unpacked(facts: Path, to: Path) -> dict[str, Any]:
    """Put the runs of a format into a folder, and return what is known of them."""
    with tarfile.open(facts.with_suffix(".tar.xz")) as packed:
        packed.extractall(to, filter="data")
    return json.loads(facts.read_text())


def said_by(*words: object, code: int = 0) -> str:
    done = CliRunner().invoke(main, [str(word) for word in words])
    assert done.exit_code == code, done.output
    return done.output


@pytest.mark.parametrize("end", ENDS)
def test_a_stored_run_is_shown(facts: Path, end: str, tmp_path: Path) -> None:
    """Its digest is of what stands in its journal, and so the same on every machine."""
    known = unpacked(facts, tmp_path)[end]

    shown = json.loads(said_by("show", "--json", tmp_path / end))

    assert (known["digest"], known["best"]) == (shown["digest"], shown["best"])
    assert (end == "finished") == (shown["finished"] is not None)
    assert known["individuals"] == {
        one["id"]: {"parents": one["parents"], "synapses": one["synapses"]}
        for one in shown["individuals"]
    }
    assert f"digest {known['digest']}" in said_by("show", tmp_path / end)


@pytest.mark.parametrize("end", ENDS)
def test_a_stored_run_is_exported(facts: Path, end: str, tmp_path: Path) -> None:
    """What was evolved years ago is still a network."""
    known = unpacked(facts, tmp_path)[end]
    run = evoframe.open_run(tmp_path / end)

    said_by("export", tmp_path / end, "--no-measure", "--out", tmp_path / "export")

    network = evoframe.load(tmp_path / "export", lambda: EvoNet(run.recipe.task.width))
    (picture,) = run.recipe.task.example_inputs()
    assert network(picture).shape == (1, 2, *picture.shape[2:])
    names = {name for name, _ in network.named_parameters()}
    masks = run.genotype(known["best"]).masks
    assert masks.keys() <= names
    assert (
        sum(int(mask.sum()) for mask in masks.values())
        == (known["individuals"][known["best"]]["synapses"])
    )


def test_a_stored_run_that_is_finished_needs_no_resuming(facts: Path, tmp_path: Path) -> None:
    """Nothing is lived that was lived already, whatever the code has become."""
    known = unpacked(facts, tmp_path)["finished"]

    said = said_by("resume", tmp_path / "finished")

    assert f"best: {known['best']}" in said
    assert evoframe.open_run(tmp_path / "finished").digest() == known["digest"]


def test_a_stored_run_is_gone_on_with_or_refused(facts: Path, tmp_path: Path) -> None:
    """It goes on while its fingerprints are those of this code, and is refused in words after."""
    known, path = unpacked(facts, tmp_path)["unfinished"], tmp_path / "unfinished"
    before = {file: file.read_bytes() for file in path.rglob("*") if file.is_file()}

    if known["resumes"]:
        said_by("resume", path)
        resumed = evoframe.open_run(path)
        assert resumed.ending == "generation 3 was the last one asked for"
        assert [one.id for one in resumed.individuals] == ["g1s0", "g2s0", "g2s1", "g3s0", "g3s1"]
        assert resumed["g3s1"].is_alive
        assert not list((path / "lives").iterdir())
    else:
        said = said_by("resume", path, code=2)
        assert "cannot be resumed" in said
        assert "evoframe show" in said
        after = {file: file.read_bytes() for file in before}
        assert before == after


def test_a_stored_run_names_no_place(facts: Path, tmp_path: Path) -> None:
    """It has to be read on machines that it was not made on; and it is of the format it says."""
    unpacked(facts, tmp_path)

    for end in ENDS:
        text = (tmp_path / end / "run.toml").read_text()
        said = files.parse(text, end)["record"].get("format", 0)
        assert facts.stem.split("-")[1] == str(said)
        assert "/" not in text


def test_every_format_is_stored(facts: Path) -> None:
    """Whoever raises the number stores a run of it, one that goes on."""
    stored = {file.stem.split("-")[1] for file in STORED}
    latest = [file for file in STORED if file.stem.split("-")[1] == str(formats.FORMAT)]

    assert stored == {str(number) for number in range(formats.FORMAT + 1)}
    assert any(json.loads(file.read_text())["unfinished"]["resumes"] for file in latest)
