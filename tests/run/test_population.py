"""Runs of many: everybody is read once, and what is kept beside the journal is in step with it."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

import evoframe
from evoframe.run.continuing import repairing
from evoframe.run.disk.copying import settle
from evoframe.run.disk.folder import RunFolder
from evoframe.run.disk.journal import Journal
from evoframe.run.disk.known import Known
from evoframe.run.living.recall import Recall
from support.records import record

BLOBS = f"{Path(__file__).parents[1] / 'support' / 'blobs.py'}:Blobs"
OPTIONS = ("training.epochs=1", "environment.retention=0.9", "run.checkpoint=0")


def evolve(path: Path, generations: int, *more: str, **named: str) -> evoframe.Run:
    return evoframe.evolve(
        BLOBS,
        out=path,
        generations=generations,
        population=2,
        options=(*OPTIONS, *more),
        device="cpu",
        **named,
    )


def content(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """Return all rows of a database with their numbers."""
    with closing(sqlite3.connect(path)) as base:
        return {
            table: base.execute(f"SELECT rowid, * FROM {table} ORDER BY rowid").fetchall()
            for table in ("individuals", "events", "facts")
        }


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The ids of individuals, each time that one is made of a row."""
    found: list[str] = []
    real = Journal._entry

    def entry(self, row, *more):
        found.append(str(row["id"]))
        return real(self, row, *more)

    monkeypatch.setattr(Journal, "_entry", entry)
    return found


def test_a_run_reads_nobody_twice(tmp_path: Path, read: list[str]) -> None:
    """However many there are: each is read when it is written, and once when a run is resumed."""
    evolve(tmp_path / "run", 6)
    assert sorted(set(read)) == sorted(read[: len(set(read))])
    lived, read[:] = read[: len(set(read))], []

    evoframe.resume(tmp_path / "run", changes=["run.generations=9"])

    assert [name for name in read if name in lived].count("g2s1") <= 2  # its result is read too
    assert len(read) <= 2 * (len(lived) + 6)


def test_whoever_is_read_is_as_whoever_was_written(tmp_path: Path) -> None:
    """A run that is resumed sees what one that was not interrupted sees."""
    run = evolve(tmp_path / "run", 3)
    with closing(Journal(RunFolder(run.path).journal, writable=False)) as journal:
        fresh = journal.known()
        assert [fresh[one.individual.id] for one in run.entries] == list(run.entries)
        others = Known()
        for entry in reversed(run.entries):
            others.add(entry)

    assert others.entries() == fresh.entries()
    assert others.archive(3) == fresh.archive(3)
    assert others.last == fresh.last == 3


def test_somebody_of_long_ago_whose_row_is_gone_is_lived_again(tmp_path: Path) -> None:
    """A resumed run begins where it was, but not before all are there who were."""
    run = evolve(tmp_path / "run", 4)
    childless = {one.id for one in run.individuals} - {
        p for o in run.individuals for p in o.parents
    }
    gone = min(name for name in childless if not name.startswith("g4"))
    with closing(sqlite3.connect(run.path / "journal.sqlite")) as base, base:
        base.execute("DELETE FROM individuals WHERE id = ?", (gone,))
        base.execute("DELETE FROM facts WHERE name = 'finished'")

    assert evoframe.resume(run.path).digest() == run.digest()


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("note"), st.sampled_from("abc"), st.sampled_from("123")),
            st.tuples(st.just("forget"), st.sampled_from("abc")),
            st.tuples(st.just("tell"), st.sampled_from("xy")),
            st.tuples(st.sampled_from(("back up", "open anew", "kill"))),
        ),
        max_size=12,
    )
)
def test_the_copy_is_what_the_journal_is(tmp_path_factory, steps) -> None:
    """After each generation, in every session, whatever became of the sessions before."""
    folder = RunFolder(tmp_path_factory.mktemp("run"))
    journal, killed = Journal(folder.journal, writable=True), []
    for what, *words in (*steps, ("back up",)):
        if what == "note":
            journal.note(**{words[0]: words[1]})
        elif what == "forget":
            journal.forget(words[0])
        elif what == "tell":
            journal.tell(words[0], {})
        elif what == "back up":
            journal.back_up(folder.backup)
            assert content(folder.backup) == content(folder.journal)
        elif what == "open anew":
            journal.close()
            journal = Journal(folder.journal, writable=True)
        else:  # what a kill leaves is what lies there now
            killed.append(journal)
            folder = RunFolder(shutil.copytree(folder.path, tmp_path_factory.mktemp("run") / "run"))
            journal = Journal(folder.journal, writable=True)
    journal.close()

    assert content(folder.backup) == content(folder.journal)
    assert [one.name for one in folder.path.glob("backup*")] == ["backup.sqlite"]
    for one in killed:
        one.close()


def test_a_log_that_a_kill_left_beside_the_copy_belongs_to_it(tmp_path: Path) -> None:
    """What repairs a journal is the whole copy, with what had not come home yet."""
    folder = RunFolder(record(tmp_path / "run", 4, finished=False))
    journal = Journal(folder.journal, writable=True)
    journal.back_up(folder.backup)
    journal.note(late="1")
    journal.back_up(folder.backup)
    assert (tmp_path / "run" / "backup.sqlite-wal").stat().st_size
    reader = sqlite3.connect(folder.backup)
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM facts").fetchone()
    assert not settle(folder.backup)  # it is in use, and nothing of it is thrown away
    reader.close()
    due = content(folder.journal)
    left = RunFolder(shutil.copytree(folder.path, tmp_path / "killed"))
    journal.close()
    left.journal.write_bytes(b"nothing of use" * 100)
    for ending in ("-wal", "-shm"):
        Path(f"{left.journal}{ending}").unlink(missing_ok=True)

    told = repairing._from_copy(left, RuntimeError("damaged"))

    assert "is as it was after its last whole generation" in told
    assert content(left.journal) == due


def test_an_ancestor_that_somebody_wrote_into_is_read_again(tmp_path: Path) -> None:
    """It is lent to every life of a process, and each is given it as it was."""
    run = evolve(tmp_path / "run", 2)
    from evoframe.run.world import build_world

    recall = Recall.of(build_world(run.recipe, RunFolder(run.path)))
    first = recall.ancestor()
    assert recall.ancestor() is first
    next(iter(first.state.values())).add_(1.0)

    assert recall.ancestor().digest() == run.genotype("g1s0").digest()


def test_an_untrained_ancestor_is_held_once(tmp_path: Path) -> None:
    """As first weights, ancestor and parent: whoever would write into one is refused."""
    from evoframe.run.world import build_world

    run = evolve(tmp_path / "run", 2, ancestor="none")
    world = build_world(run.recipe, RunFolder(run.path))
    recall = Recall.of(world)

    held = [world.initial, recall.ancestor(), recall("g1s0").genotype]

    places = {tuple(value.data_ptr() for value in one.state.values()) for one in held}
    assert len(places) == 1
    assert {one.digest() for one in held} == {recall.digest("g1s0")}
    next(iter(recall.ancestor().state.values())).add_(1.0)
    assert recall.ancestor().digest() == recall.digest("g1s0")
