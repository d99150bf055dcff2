"""Files of a later format are refused in words, and damage is told by its row."""

from __future__ import annotations

import json
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given, strategies as st

import evoframe
from evoframe.cli.main import main
from evoframe.errors import DamagedError, LaterFormatError, RunError
from evoframe.run.disk import formats
from evoframe.run.disk.database import TABLES
from evoframe.run.disk.journal import Journal

BLOBS = f"{Path(__file__).parents[1] / 'support' / 'blobs.py'}:Blobs"
LATER = formats.FORMAT + 1


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that was finished, whose end was then forgotten, with a checkpoint in it."""
    path = tmp_path_factory.mktemp("whole") / "run"
    evoframe.evolve(
        BLOBS, out=path, generations=3, population=2, options=["training.epochs=2"], device="cpu"
    )
    with sqlite3.connect(path / "journal.sqlite") as base:
        base.execute("DELETE FROM facts WHERE name = 'finished'")
        base.execute("DELETE FROM individuals WHERE id = 'g3s1'")
    base.close()
    shutil.copy(path / "individuals" / "g3s0.safetensors", path / "lives" / "g3s1.safetensors")
    return path


@pytest.fixture
def run(whole: Path, tmp_path: Path) -> Path:
    return shutil.copytree(whole, tmp_path / "run")


def in_record(path: Path) -> None:
    text = (path / "run.toml").read_text()
    assert f"format = {formats.FORMAT}\n" in text
    later = text.replace(f"format = {formats.FORMAT}\n", f"format = {LATER}\n")
    (path / "run.toml").write_text(later)


def in_journal(path: Path) -> None:
    changed(path, f"PRAGMA user_version = {LATER}")


def in_column(path: Path) -> None:
    changed(path, "ALTER TABLE individuals ADD COLUMN colour TEXT")


def in_genotype(path: Path) -> None:
    in_metadata(path / "individuals" / "g3s0.safetensors")


def in_checkpoint(path: Path) -> None:
    in_metadata(path / "lives" / "g3s1.safetensors")


def in_metadata(file: Path) -> None:
    content = file.read_bytes()
    said = f'"evoframe_format":"{formats.FORMAT}"'.encode()
    assert content.count(said) == 1
    file.write_bytes(content.replace(said, f'"evoframe_format":"{LATER}"'.encode()))


def changed(path: Path, statement: str, *values: object) -> None:
    base = sqlite3.connect(path / "journal.sqlite", isolation_level=None)
    base.execute(statement, values)
    base.close()


def evoframe_command(*words: object) -> tuple[int, str]:
    """Return the exit code of a command and all that it said."""
    done = CliRunner().invoke(main, [str(word) for word in words])
    return done.exit_code, done.output


def content(path: Path) -> dict[str, bytes]:
    """Return all that is kept in a folder; SQLite's shared memory is no part of it."""
    files = (file for file in path.rglob("*") if file.is_file() and file.stat().st_size)
    return {str(file): file.read_bytes() for file in files if not file.name.endswith("-shm")}


@contextmanager
def a_copy(whole: Path) -> Iterator[Path]:
    """Give a copy of a run's journal."""
    with tempfile.TemporaryDirectory() as folder:
        yield shutil.copy(whole / "journal.sqlite", Path(folder, "journal.sqlite"))


# --- later formats ------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["show", "resume", "export"])
@pytest.mark.parametrize("later", [in_record, in_journal, in_column, in_genotype])
def test_a_later_format_is_refused_in_one_line_and_nothing_is_written(
    later: Callable[[Path], None], command: str, run: Path
) -> None:
    """Whoever shares runs with somebody whose evoframe is newer must be told so, not misled."""
    later(run)
    before = content(run)

    code, said = evoframe_command(command, run)

    assert code == 2
    assert said.count("\n") == 1
    assert "a later version of evoframe wrote it" in said
    assert f"reads formats up to {formats.FORMAT}" in said
    assert before == content(run)


def test_a_checkpoint_of_a_later_format_is_not_thrown_away(run: Path) -> None:
    """Hours of a long life may be in it."""
    in_checkpoint(run)
    before = content(run)

    code, said = evoframe_command("resume", run)

    assert code == 2
    assert f"g3s1.safetensors has format {LATER}" in said
    assert before == content(run)


@pytest.mark.parametrize("later", [in_record, in_journal, in_column])
def test_a_later_format_is_refused_in_python(later: Callable[[Path], None], run: Path) -> None:
    """The same words reach those who call from Python."""
    later(run)

    with pytest.raises(LaterFormatError):
        evoframe.open_run(run).digest()
    with pytest.raises(LaterFormatError):
        evoframe.resume(run)


@given(
    table=st.sampled_from(sorted(TABLES)),
    column=st.from_regex(r"[a-z_ ]{1,12}", fullmatch=True),
)
def test_any_column_that_is_not_known_means_a_later_format(
    whole: Path, table: str, column: str
) -> None:
    """What is new in a journal might be what matters; it is never passed over."""
    if column in TABLES[table]:
        return
    with a_copy(whole) as journal:
        base = sqlite3.connect(journal)
        base.execute(f'ALTER TABLE {table} ADD COLUMN "{column}" TEXT')
        base.close()

        for writable in (False, True):
            with pytest.raises(LaterFormatError, match=f"column '{column}' in its table {table}"):
                Journal(journal, writable=writable)


@pytest.mark.parametrize("said", ["x", "-1", [2], "1.5"])
def test_a_format_that_is_no_number_is_damage(said: object, run: Path) -> None:
    """A format that cannot be read is no excuse to go on."""
    with pytest.raises(DamagedError, match="wanted a whole number"):
        formats.number(said, run)


# --- earlier formats ----------------------------------------------------------------------------


def test_a_journal_of_an_earlier_format_is_read_and_not_written(run: Path) -> None:
    """A number is never given to a journal that was made without it."""
    changed(run, "PRAGMA user_version = 0")

    assert len(evoframe.open_run(run).individuals) == 4
    with pytest.raises(RunError, match="has format 0, which this version of evoframe reads but"):
        evoframe.resume(run)

    base = sqlite3.connect(run / "journal.sqlite")
    assert base.execute("PRAGMA user_version").fetchone() == (0,)
    base.close()


def test_columns_may_stand_in_any_order(run: Path) -> None:
    """Rows are read by the names of their columns."""
    digest = evoframe.open_run(run).digest()
    columns = list(TABLES["individuals"])
    turned = ", ".join(f"{name} {TABLES['individuals'][name]}" for name in reversed(columns))
    changed(run, f"CREATE TABLE turned ({turned})")
    names = ", ".join(columns)
    changed(run, f"INSERT INTO turned ({names}) SELECT {names} FROM individuals")
    changed(run, "DROP TABLE individuals")
    changed(run, "ALTER TABLE turned RENAME TO individuals")

    assert evoframe.open_run(run).digest() == digest
    assert evoframe.resume(run).ending is not None


def test_a_run_that_was_killed_before_its_journal_had_tables_is_shown_and_resumed(
    run: Path,
) -> None:
    """A kill at any instant leaves something to go on with."""
    for file in (*run.glob("journal*"), *run.glob("*/*.safetensors")):
        file.unlink()
    (run / "journal.sqlite").touch()

    assert evoframe.open_run(run).individuals == ()
    assert len(evoframe.resume(run).individuals) == 5


# --- damage -------------------------------------------------------------------------------------


DAMAGE = {
    "fitness": "{",
    "parents": "no list",
    "origin": "stork",
    "generation": "two",
    "slot": "x",
    "seconds": "long",
    "digest": b"\x00",
    "stillborn": b"\x00",
}


@pytest.mark.parametrize("column", DAMAGE)
def test_a_damaged_row_is_named(column: str, run: Path) -> None:
    """One bad row in a thousand is found by its name."""
    changed(run, f"UPDATE individuals SET {column} = ? WHERE id = 'g2s1'", DAMAGE[column])

    for command in ("show", "resume", "export"):
        code, said = evoframe_command(command, run)

        assert code == 2
        assert said.count("\n") == 1
        assert "damaged in the row of individual 'g2s1'" in said


@given(
    column=st.sampled_from(sorted(set(TABLES["individuals"]) - {"id"})),
    value=st.one_of(
        st.text(), st.integers(-(2**40), 2**40), st.floats(allow_nan=False), st.binary(),
        st.recursive(
            st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(),
            lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        ).map(json.dumps),
    ),
)  # fmt: skip
def test_whatever_stands_in_a_row_is_read_or_refused(
    whole: Path, column: str, value: object
) -> None:
    """A journal never ends in a traceback."""
    with a_copy(whole) as journal:
        base = sqlite3.connect(journal, isolation_level=None)
        base.execute(f"UPDATE individuals SET {column} = ? WHERE id = 'g2s1'", (value,))
        base.close()
        opened = Journal(journal, writable=False)
        with suppress(DamagedError):
            opened.entries()
        opened.close()


def test_a_lost_column_is_damage(run: Path) -> None:
    """What is missing is said, before a row is looked for in vain."""
    changed(run, "ALTER TABLE individuals DROP COLUMN digest")

    with pytest.raises(DamagedError, match="its table individuals has no column 'digest'"):
        evoframe.open_run(run).digest()


def test_a_damaged_event_is_named(run: Path) -> None:
    """The same holds for what was told."""
    changed(run, "INSERT INTO events (number, name, data) VALUES (7, 'told', '{')")
    journal = Journal(run / "journal.sqlite", writable=False)

    with pytest.raises(DamagedError, match="in the row of event 7"):
        journal.events("told")
    journal.close()
