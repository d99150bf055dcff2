"""Every byte that decides is checked: damage is told, and mended where it can be."""

from __future__ import annotations

import random
import shutil
import signal
import sqlite3
import threading
import time
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, ClassVar

import attrs
import pytest
import torch
from click.testing import CliRunner

import evoframe
from evoframe import hookimpl
from evoframe.cli.main import main
from evoframe.config import files
from evoframe.errors import (
    ConfigError,
    DamagedError,
    EvoframeError,
    ResumeError,
    RunError,
)
from evoframe.roles import Observer
from evoframe.run import patience, starting
from evoframe.run.disk import database
from evoframe.run.disk.folder import RunFolder
from evoframe.run.disk.journal import Journal
from evoframe.run.disk.weights import FileCheckpoint, load_genotype
from support.tampering import fuzzed_journal, tampered

SUPPORT = Path(__file__).parents[1] / "support" / "blobs.py"
BLOBS = f"{SUPPORT}:Blobs"


@attrs.frozen(eq=False)
class Stop(Observer):
    """Interrupts a run when somebody is on record."""

    name: ClassVar[str] = "stop"
    at: str = "g3s0"

    @hookimpl
    def evoframe_individual_evaluated(self, event):
        if event.individual.id == self.at:
            raise KeyboardInterrupt


def evolve(out: Path, *options: str, **choices: Any) -> None:
    given = {"generations": 4, "population": 2, "heredity": "mating", "observer": [], **choices}
    evoframe.evolve(BLOBS, out=out, options=["training.epochs=3", *options], **given)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> evoframe.Run:
    """A run that nobody disturbed."""
    path = tmp_path_factory.mktemp("whole") / "run"
    evolve(path)
    return evoframe.open_run(path)


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same run, interrupted within its third generation."""
    path = tmp_path_factory.mktemp("stopped") / "run"
    with pytest.raises(KeyboardInterrupt):
        evolve(path, observer=[Stop()])
    tables = files.parse((path / "run.toml").read_text(), "run.toml")
    (path / "run.toml").write_text(files.write({**tables, "observer": []}))
    return path


@pytest.fixture
def run(stopped: Path, tmp_path: Path) -> Path:
    return shutil.copytree(stopped, tmp_path / "run")


def flipped(file: Path, place: int = -3) -> None:
    content = bytearray(file.read_bytes())
    content[place] ^= 0x10
    file.write_bytes(content)


def changed(path: Path, statement: str, *values: object) -> None:
    with closing(sqlite3.connect(path / "journal.sqlite", isolation_level=None)) as base:
        base.execute(statement, values)


def command(*words: object) -> tuple[int, str]:
    done = CliRunner().invoke(main, [str(word) for word in words])
    return done.exit_code, done.output


# --- genotypes ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "lost",
    [["g2s0"], ["g2s0", "g2s1"], ["g1s0"], ["g1s0", "ancestor", "g2s1", "g3s0"]],
    ids="-".join,
)
def test_damaged_genotypes_are_made_again_bit_for_bit(
    lost: list[str], run: Path, whole: evoframe.Run, capsys: pytest.CaptureFixture[str]
) -> None:
    """Parents, keys and the recipe are there, so nothing is lost for good."""
    for name in lost:
        file = run / ("." if name == "ancestor" else "individuals") / f"{name}.safetensors"
        file.unlink() if name == lost[-1] else flipped(file)

    starting.resume(run, repair=True)

    again = evoframe.open_run(run)
    assert again.digest() == whole.digest()
    for one in again.individuals:
        assert again.genotype(one.id).digest() == whole.genotype(one.id).digest()
    assert "was damaged, and is" in capsys.readouterr().err


def test_what_does_not_come_out_the_same_is_told_to_be_lost(run: Path) -> None:
    """A life of other bits is never taken for the one on record."""
    changed(run, "UPDATE individuals SET digest = ? WHERE id = 'g2s0'", "0" * 32)
    changed(run, "DELETE FROM facts WHERE name = 'checksum of individual g2s0'")

    with pytest.raises(DamagedError, match="g2s0 is lost: reconstructed"):
        evoframe.resume(run)


def test_a_finished_run_is_repaired_too(whole: evoframe.Run, tmp_path: Path) -> None:
    """What is delivered must be there, long after the last life."""
    path = shutil.copytree(whole.path, tmp_path / "run")
    flipped(path / "individuals" / f"{whole.best.id}.safetensors")
    with pytest.raises(DamagedError, match="--repair"):
        evoframe.open_run(path).network()

    code, said = command("resume", path, "--repair")

    assert code == 0
    assert f"{whole.best.id} was damaged, and is made again" in said.replace("\n", " ")
    assert evoframe.open_run(path).genotype(whole.best.id)


def test_no_tampered_genotype_is_taken(whole: evoframe.Run, tmp_path: Path) -> None:
    """Flipped bits, cuts and other tensors: refused, or the same in every bit."""
    dice = random.Random(7)
    known = RunFolder(whole.path).genotype("g2s0").read_bytes()
    digest = next(one.digest for one in whole.entries if one.individual.id == "g2s0")
    file = tmp_path / "g2s0.safetensors"
    for _ in range(150):
        file.write_bytes(tampered(known, dice))
        with suppress(EvoframeError):
            assert load_genotype(file, digest).digest() == digest


# --- checkpoints --------------------------------------------------------------------------------


def test_no_tampered_checkpoint_is_taken(tmp_path: Path) -> None:
    """A life is lived again rather than gone on with from what it never was."""
    dice, tensors = random.Random(8), {"network.w": torch.randn(6, 4), "mask.w": torch.ones(6, 4)}
    FileCheckpoint(tmp_path / "whole", 0.0, "g2s0 of this run").save(2, tensors)
    known, taken = (tmp_path / "whole").read_bytes(), 0
    for number in range(150):
        content = tampered(known, dice)
        (tmp_path / "file").write_bytes(content)
        checkpoint = FileCheckpoint(tmp_path / "file", 0.0, "g2s0 of this run")
        with suppress(EvoframeError):
            found = checkpoint.load()
            assert (found is None) == bool(checkpoint.told)
            if found is not None:
                taken += 1
                assert found[0] == 2
                assert all(torch.equal(found[1][name], value) for name, value in tensors.items())
        assert taken <= number // 4  # bits of padding in a header may flip


def test_a_checkpoint_of_another_life_is_not_taken(tmp_path: Path) -> None:
    """Somebody may copy files about."""
    FileCheckpoint(tmp_path / "file", 0.0, "g2s0 a").save(1, {"network.w": torch.ones(2)})

    for whose in ("g2s1 a", "g2s0 b"):
        other = FileCheckpoint(tmp_path / "file", 0.0, whose)
        assert other.load() is None
        assert "it is of another life" in other.told[0]


# --- the journal --------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["emptied", "lost", "garbage", "a page", "a row", "a fact"])
def test_a_damaged_journal_is_refused_and_repaired_from_its_copy(
    way: str, run: Path, whole: evoframe.Run
) -> None:
    """A run is never begun again over its own individuals without a word."""
    journal = run / "journal.sqlite"
    if way == "a row":
        changed(run, "UPDATE individuals SET seconds = 0.25 WHERE id = 'g2s1'")
    elif way == "a fact":
        changed(run, "UPDATE facts SET value = '[]' WHERE name = 'recipes'")
    elif way == "a page":
        changed(run, "PRAGMA wal_checkpoint(TRUNCATE)")
        content = bytearray(journal.read_bytes())
        content[4096:8192] = random.Random(1).randbytes(4096)
        journal.write_bytes(content)
    else:
        for file in run.glob("journal*"):
            file.unlink()
        if way != "lost":
            journal.write_bytes(b"" if way == "emptied" else b"no journal, " * 500)

    code, said = command("resume", run)
    assert (code, said.count("\n")) == (2, 1), said
    assert "--repair" in said
    starting.resume(run, repair=True)

    assert evoframe.open_run(run).digest() == whole.digest()


def test_a_lost_record_is_written_anew_from_the_journal(run: Path, whole: evoframe.Run) -> None:
    """The recipe stands in two places."""
    (run / "run.toml").unlink()

    starting.resume(run, repair=True)

    assert evoframe.open_run(run).digest() == whole.digest()


def test_without_a_copy_of_the_journal_a_new_run_is_advised(run: Path) -> None:
    """What cannot be repaired is said to be so."""
    (run / "backup.sqlite").unlink()
    (run / "journal.sqlite").write_bytes(b"")

    with pytest.raises(RunError, match="start a new run with the same recipe and seed"):
        starting.resume(run, repair=True)


def test_names_in_a_journal_lead_nowhere(run: Path) -> None:
    """An id is the name of a file, and could be the path of any."""
    for column in ("id", "genotype", "parents"):
        value = '["../../g1s0"]' if column == "parents" else "../../../etc/passwd"
        copy = shutil.copytree(run, run.parent / column)
        changed(copy, "DELETE FROM facts WHERE name LIKE 'checksum of individual %'")
        changed(copy, f"UPDATE individuals SET {column} = ? WHERE id = 'g2s1'", value)
        with pytest.raises(DamagedError, match="is no id"):
            evoframe.open_run(copy).digest()
    for name in ("../g1s0", "g1s0/../../x", "g01s0", ""):
        with pytest.raises(DamagedError):
            RunFolder(run).genotype(name)


def test_no_fuzzed_journal_ends_in_a_traceback(stopped: Path, tmp_path: Path) -> None:
    """Whatever stands in it is read, or refused in a line."""
    known, dice = tmp_path / "known", random.Random(9)
    with closing(sqlite3.connect(stopped / "journal.sqlite")) as base:
        database.backed_up(base, known)
    for number in range(50):
        path = tmp_path / f"{number}"
        path.mkdir()
        shutil.copy(stopped / "run.toml", path)
        fuzzed_journal(known.read_bytes(), path / "journal.sqlite", dice)
        with suppress(EvoframeError):
            opened = evoframe.open_run(path)
            opened.as_json()
        with suppress(EvoframeError), closing(Journal(path / "journal.sqlite", writable=True)) as j:
            j.entries()
        shutil.rmtree(path)


# --- the recipe ---------------------------------------------------------------------------------


def test_an_edited_recipe_is_refused_with_the_differences(run: Path) -> None:
    """What was lived already was lived by another one."""
    tables = files.parse((run / "run.toml").read_text(), "run.toml")
    tables["environment"][0]["retention"] = 0.25
    tables["run"]["population"] = 9
    (run / "run.toml").write_text(files.write(tables))

    with pytest.raises(ResumeError) as caught:
        evoframe.resume(run)

    assert "run.population was 2, is 9" in str(caught.value)
    assert "environment[0].retention was" in str(caught.value)
    assert "--change" in str(caught.value)
    assert any("edited" in words for words in evoframe.open_run(run).remarks)


def test_an_edited_record_is_refused_too(run: Path) -> None:
    """Constants, say, decide whether a run may be gone on with."""
    text = (run / "run.toml").read_text()
    (run / "run.toml").write_text(text.replace("maximise = true", "maximise = false", 1))

    with pytest.raises(ResumeError, match=r"record\.metrics\[0\]\.maximise was True, is False"):
        evoframe.resume(run)


def test_a_change_on_purpose_counts_from_the_next_generation_on(
    run: Path, whole: evoframe.Run
) -> None:
    """Generation 3 is ended as it was begun, and all is on record."""
    code, said = command("resume", run, "--change", "environment.retention=0.8")

    assert code == 0, said
    found = evoframe.open_run(run)
    ours, theirs = ({e.individual.id: e.digest for e in one.entries} for one in (found, whole))
    same = {name for name, digest in ours.items() if digest == theirs[name]}
    assert same == {"g1s0", "g2s0", "g2s1", "g3s0", "g3s1"}
    with closing(Journal(run / "journal.sqlite", writable=False)) as journal:
        assert [first for first, _ in journal.recipes()] == [1, 4]
    for name in ("g3s1", "g4s0"):  # each by the recipe of its own generation
        flipped(run / "individuals" / f"{name}.safetensors")
    starting.resume(run, repair=True)
    assert {
        e.individual.id: found.genotype(e.individual.id).digest() for e in found.entries
    } == ours


def test_a_finished_run_may_go_on_longer(whole: evoframe.Run, tmp_path: Path) -> None:
    """What was delivered first was the end as it was then."""
    longer = shutil.copytree(whole.path, tmp_path / "run")
    evolve(tmp_path / "asked", generations=5)

    starting.resume(longer, changes=["run.generations=5"])

    found = evoframe.open_run(longer)
    assert found.digest() == evoframe.open_run(tmp_path / "asked").digest()
    assert "generation 5 was the last" in str(found.ending)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("run.seed=9", "run.seed determined the ancestor"),
        ("anatomy.multiple=4", r"\[anatomy\] determined the ancestor"),
        ("run.generations=2", "generation 3 is on record"),
        ("encoding.heat=3", "there is no option encoding.heat"),
        ("nonsense", "cannot be read"),
    ],
)
def test_a_change_that_cannot_be_is_refused(change: str, message: str, run: Path) -> None:
    """Then nothing is changed."""
    before = (run / "run.toml").read_bytes()

    with pytest.raises(ConfigError, match=message):
        starting.resume(run, changes=[change])

    assert (run / "run.toml").read_bytes() == before


def test_a_change_that_was_cut_short_is_completed(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A kill may come between the journal and the file."""
    with monkeypatch.context() as killed:
        killed.setattr("evoframe.run.continuing.opening.write_atomically", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            starting.resume(run, changes=["environment.retention=0.8"])

    evoframe.resume(run)

    assert "retention = 0.8" in (run / "run.toml").read_text()


def test_strategies_in_a_file_may_move(tmp_path: Path) -> None:
    """The same class of the same name in another folder is no other recipe."""
    old, new = tmp_path / "old.py", tmp_path / "new.py"
    old.write_text(SUPPORT.read_text())
    with pytest.raises(KeyboardInterrupt):
        evoframe.evolve(
            f"{old}:Blobs", out=tmp_path / "run", generations=3, observer=[Stop("g2s0")],
            options=["training.epochs=1"],
        )  # fmt: skip
    old.rename(new)

    starting.resume(tmp_path / "run", changes=[f"task.use={new}:Blobs", "observer=[]"][:1])

    assert evoframe.open_run(tmp_path / "run").ending


# --- mishaps ------------------------------------------------------------------------------------


FAULTY = """
import sys
from pathlib import Path
class Faulty(Blobs):
    'Fails when it is asked for the second life.'
    name = "faulty"
    def batches(self, split, **given):
        if split == "train" and Path({path!r}).exists():
            {how}
        return super().batches(split, **given)
"""


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("raise OSError('the disk is gone')", "OSError: the disk is gone"),
        ("sys.exit(0)", "SystemExit: 0"),
        ("raise MemoryError", "Try smaller batches"),
    ],
)
def test_what_fails_in_a_life_is_told_in_one_line(how: str, said: str, tmp_path: Path) -> None:
    """Who, what, and how to go on; and sys.exit never looks like a finished run."""
    file, mark = tmp_path / "faulty.py", tmp_path / "mark"
    file.write_text(SUPPORT.read_text() + FAULTY.format(path=str(mark), how=how))

    @attrs.frozen(eq=False)
    class Trap(Observer):
        """Sets the trap when the ancestor is on record."""

        name: ClassVar[str] = "trap"

        @hookimpl
        def evoframe_individual_evaluated(self, event):
            mark.touch()

    with pytest.raises(EvoframeError) as caught:
        evoframe.evolve(
            f"{file}:Faulty", out=tmp_path / "run", generations=2, observer=[Trap()],
            options=["training.epochs=1"],
        )  # fmt: skip

    words = str(caught.value)
    assert said in words
    for part in ("g2s0", "faulty.py, line", f"evoframe resume {tmp_path / 'run'}"):
        assert part in words
    assert "\n" not in words
    assert "Traceback" in (tmp_path / "run" / "log.jsonl").read_text()
    mark.unlink()
    assert evoframe.resume(tmp_path / "run", observer=[]).ending


@attrs.frozen(eq=False)
class Hanging(Observer):
    """Never comes back, and swallows what it can."""

    name: ClassVar[str] = "hanging"

    @hookimpl
    def evoframe_individual_evaluated(self, event):
        while True:
            with suppress(Exception):
                time.sleep(600)


def test_an_observer_that_hangs_is_left_behind(
    tmp_path: Path, whole: evoframe.Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It costs its own report, never the run."""
    monkeypatch.setattr(patience, "SECONDS", 0.3)

    evolve(tmp_path / "run", observer=[Hanging()])

    found = evoframe.open_run(tmp_path / "run")
    assert found.digest() == whole.digest()
    with closing(Journal(tmp_path / "run" / "journal.sqlite", writable=False)) as journal:
        (event,) = journal.events("observer_disabled")
    assert "HungError" in event["reason"]


def test_where_nobody_can_be_interrupted_it_is_told_who_hangs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Alarms reach the main thread alone."""
    monkeypatch.setattr(patience, "SECONDS", 0.05)
    told: list[str] = []

    def slow() -> None:
        with patience.limited(told.append):
            time.sleep(0.5)

    thread = threading.Thread(target=slow, name="elsewhere")
    thread.start()
    thread.join()

    assert "in the thread 'elsewhere'" in told[0]


def test_the_alarms_of_others_still_go_off() -> None:
    """A caller may have set one."""
    rung: list[int] = []
    before = signal.signal(signal.SIGALRM, lambda number, _: rung.append(number))
    left = signal.setitimer(signal.ITIMER_REAL, 0.2)
    try:
        with patience.limited(print):
            time.sleep(0.05)
        assert not rung
        time.sleep(0.3)
        assert rung
    finally:
        signal.signal(signal.SIGALRM, before)
        signal.setitimer(signal.ITIMER_REAL, *left)


# --- reading ------------------------------------------------------------------------------------


def test_looking_at_a_run_runs_nothing_of_it(tmp_path: Path) -> None:
    """Folders come from other people too; a network needs their code, and it is said whose."""
    file, mark = tmp_path / "theirs.py", tmp_path / "mark"
    file.write_text(SUPPORT.read_text())
    evoframe.evolve(f"{file}:Blobs", out=tmp_path / "run", generations=1, observer=[])
    stranger = tmp_path / "stranger.py"
    stranger.write_text(f"{SUPPORT.read_text()}\nopen({str(mark)!r}, 'w').close()\n")
    path = shutil.copytree(tmp_path / "run", tmp_path / "copy")
    text = (path / "run.toml").read_text().replace("theirs.py", "stranger.py")
    (path / "run.toml").write_text(text)
    changed(path, "DELETE FROM facts WHERE name LIKE '%recipes'")

    shown = [command("show", path), command("show", "--json", path)]
    assert [code for code, _ in shown] == [0, 0], shown
    assert evoframe.open_run(path).metric.name == "accuracy"
    assert not mark.exists()
    code, said = command("export", "--no-measure", path, "--out", tmp_path / "export")
    assert (code, mark.exists()) == (0, True), said
    assert f"runs the code of {stranger}" in said


@pytest.mark.parametrize(
    "option",
    [
        "run.threads=100000000000000000000",
        "training.learning_rate=1e308",
        "run.population=10000000",
    ],
)
def test_absurd_numbers_are_refused_when_the_recipe_is_read(option: str, tmp_path: Path) -> None:
    """They would end in whatever the library below makes of them, hours later."""
    with pytest.raises(ConfigError):
        evolve(tmp_path / "run", option)
    with pytest.raises(ConfigError):
        evolve(tmp_path / "run", "environment.trials=9223372036854775808", environment="budget")
    assert list(tmp_path.iterdir()) == []
