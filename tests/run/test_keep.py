"""Which weights a run keeps: whoever was dropped is lived again, and nothing else changes."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner, Result

import evoframe
from evoframe.cli.main import main
from evoframe.errors import DamagedError
from evoframe.run.disk.folder import RunFolder
from evoframe.run.disk.journal import Journal
from evoframe.run.living.dropping import front

BLOBS = f"{Path(__file__).parents[1] / 'support' / 'blobs.py'}:Blobs"
OPTIONS = ("training.epochs=2", "environment.retention=0.9", "run.checkpoint=0")


def invoke(*words: object) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


def evolve(path: Path, keep: str, *options: str, **more: object) -> evoframe.Run:
    given = {"generations": 6, "population": 3, "device": "cpu", "selection": "truncation", **more}
    options = (*OPTIONS, f"run.keep={keep}", *options)
    return evoframe.evolve(BLOBS, out=path, options=options, **given)


def stored(run: evoframe.Run) -> set[str]:
    return {path.stem for path in RunFolder(run.path).kept()}


def damages(run: evoframe.Run) -> list[dict[str, object]]:
    with closing(Journal(RunFolder(run.path).journal, writable=False)) as journal:
        return journal.events("damage")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> evoframe.Run:
    return evolve(tmp_path_factory.mktemp("whole") / "run", "all")


@pytest.fixture(scope="module")
def last(tmp_path_factory: pytest.TempPathFactory) -> evoframe.Run:
    return evolve(tmp_path_factory.mktemp("last") / "run", "last 2")


def test_what_is_dropped_changes_nothing_that_is_on_record(whole, last) -> None:
    generations = {one.generation for one in map(last.__getitem__, stored(last))}

    assert last.digest() == whole.digest()
    assert generations == {1, 5, 6}
    assert len(stored(whole)) == 16
    assert last.dropped == stored(whole) - stored(last)


@pytest.mark.parametrize("identity", ["g2s1", "g4s2"])
def test_whoever_was_dropped_is_lived_again_bit_for_bit(whole, last, identity: str) -> None:
    """With all forebears that were dropped too, and without a file more in the run."""
    before = stored(last)

    assert last.genotype(identity).digest() == whole.genotype(identity).digest()
    out = last.path.parent / f"export-{identity}"
    assert invoke("export", last.path, "--individual", identity, "--out", out).exit_code == 0
    assert stored(last) == before
    assert not damages(last)


def test_show_and_repair_live_nobody_again(last) -> None:
    """The record knows the layers of whoever was dropped, and a dropped file is no damage."""
    before = stored(last)

    shown = invoke("show", last.path, "--individual", "g2s0")
    repaired = invoke("resume", last.path, "--repair")

    left = sum(last.genotype("g2s0").masks[name].sum() for name, _ in last.layers_on_record)
    told = [line.split() for line in shown.output.partition("layers of g2s0")[2].splitlines()]
    layers = [
        int(words[1].replace(",", "")) for words in told if len(words) == 4 and "%" in words[3]
    ]
    assert shown.exit_code == 0
    assert "runs the code" not in shown.output
    assert sum(layers) == left == last["g2s0"].synapses
    assert repaired.exit_code == 0
    assert stored(last) == before
    assert not damages(last)


def test_the_front_has_nobody_who_is_both_worse_and_larger(whole, tmp_path) -> None:
    run = evolve(tmp_path / "run", "front")
    known, metric = run.individuals, run.metric

    def is_beaten(one, other) -> bool:
        better = other.fitness.value(metric.name) >= one.fitness.value(metric.name)
        return other is not one and better and other.synapses <= one.synapses

    due = {one.id for one in known if not any(is_beaten(one, other) for other in known)}
    assert run.digest() == whole.digest()
    assert due <= stored(run) <= due | {"g1s0", "g6s0", "g6s1", "g6s2"}
    assert run.dropped


def test_a_parent_that_was_dropped_is_lived_again_without_a_word(tmp_path) -> None:
    """A selection from all that ever lived asks for some who are gone."""
    # The best of everybody so far are parents, however old they are.
    options = ('selection.objectives=["accuracy"]', "environment.retention=0.7")
    whole = evolve(tmp_path / "whole", "all", *options, selection="pareto")
    last = evolve(tmp_path / "last", "last 1", *options, selection="pareto")

    older = [
        one
        for one in last.individuals
        for parent in one.parents
        if 1 < last[parent].generation < one.generation - 1
    ]
    assert older, "no selection reached back, so nothing was tried"
    assert last.digest() == whole.digest()
    assert not damages(last)


def test_a_run_is_gone_on_with_as_if_all_were_there(whole, tmp_path) -> None:
    short = evolve(tmp_path / "run", "last 1", generations=4)

    longer = evoframe.resume(short.path, changes=["run.generations=6"])

    assert [one.id for one in longer.individuals] == [one.id for one in whole.individuals]
    assert longer.digest() == whole.digest()
    assert {longer[name].generation for name in stored(longer)} == {1, 6}


def test_the_delivered_one_stays_however_old_it_is(tmp_path) -> None:
    run = evolve(tmp_path / "run", "last 1", "run.max_drop=1.5", "environment.retention=0.6")

    assert run.best.genotype_id in stored(run)


def test_whoever_comes_out_otherwise_is_told_to_be_lost(last, tmp_path) -> None:
    path = shutil.copytree(last.path, tmp_path / "run")
    with closing(sqlite3.connect(path / "journal.sqlite")) as base, base:
        base.execute("UPDATE individuals SET digest = ? WHERE id = 'g3s0'", ("0" * 32,))
        base.execute("DELETE FROM facts WHERE name = 'checksum of individual g3s0'")

    with pytest.raises(DamagedError, match="was dropped, and g3s0 is lost"):
        evoframe.open_run(path).genotype("g3s0")


def test_the_front_is_of_everybody_however_they_come(whole) -> None:
    """Generation by generation it comes out as at once."""
    metric, found = whole.metric, ()
    for number in range(1, 7):
        members = tuple(one for one in whole.individuals if one.generation == number)
        found = front((*found, *members), metric, "synapses")

    assert found == front(whole.individuals, metric, "synapses")
    assert len(found) > 1
    assert torch.tensor([one.synapses for one in found]).diff().gt(0).all()
