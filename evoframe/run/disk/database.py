"""The database of a journal: its tables, and opening one of this format or an earlier one."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Mapping
from pathlib import Path

from evoframe.errors import DamagedError, RunError
from evoframe.run.disk import formats
from evoframe.run.disk.folder import put_in_place

TABLES: Mapping[str, Mapping[str, str]] = {
    "individuals": {
        "id": "TEXT PRIMARY KEY",
        "generation": "INTEGER NOT NULL",
        # The place, under the name that it has had since format 0.
        "slot": "INTEGER NOT NULL",
        "parents": "TEXT NOT NULL",
        "origin": "TEXT NOT NULL",
        "key": "TEXT NOT NULL",
        "genotype": "TEXT NOT NULL",
        "digest": "TEXT NOT NULL",
        "fitness": "TEXT",
        "stillborn": "TEXT NOT NULL",
        "seconds": "REAL NOT NULL",
    },
    "events": {
        "number": "INTEGER PRIMARY KEY",
        "time": "TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP",
        "name": "TEXT NOT NULL",
        "data": "TEXT NOT NULL",
    },
    "facts": {"name": "TEXT PRIMARY KEY", "value": "TEXT NOT NULL"},
}
"""The columns of every table, with what SQLite is told of them."""


def open_writable(path: Path) -> sqlite3.Connection:
    """Open a journal to add to it; it is made if it is not there.

    Raises:
        LaterFormatError: it is of a later format.
        RunError: it is of an earlier one.
        DamagedError: a table is not as it should be.
    """
    # No implicit transactions: what belongs together says BEGIN and COMMIT itself.
    base = sqlite3.connect(path, isolation_level=None)
    try:
        if not _is_empty(base):
            _check(base, path)
            formats.require_writable(_format(base), path)
            _check_pages(base, path)
        base.execute("PRAGMA journal_mode=WAL")
        # With a write-ahead log, only FULL syncs at each
        # commit; else a power cut loses the last ones.
        base.execute("PRAGMA synchronous=FULL")
        if _is_empty(base):
            _create(base)
    except BaseException:
        base.close()
        raise
    return _by_name(base)


def open_read_only(path: Path) -> sqlite3.Connection:
    """Open a journal for reading; one that was killed before it had tables reads as empty.

    Raises:
        RunError: there is none.
        LaterFormatError: it is of a later format.
        DamagedError: a table is not as it should be.
    """
    if not path.is_file():
        raise RunError(f"there is no journal {path}.")
    base = _not_empty(path)
    try:
        _check(base, path)
    except BaseException:
        base.close()
        raise
    return _by_name(base)


def is_blank(path: Path) -> bool:
    """Tell whether there is no journal, or one without tables.

    Raises:
        DamagedError: it is no database.
    """
    if not path.is_file():
        return True
    base = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, isolation_level=None)
    try:
        return _is_empty(base)
    except sqlite3.OperationalError:
        return False  # whoever opens it will say what is wrong with it
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
        raise DamagedError(
            f"the journal {path} is damaged: {error}. Try `evoframe resume {path.parent} --repair`."
        ) from error
    finally:
        base.close()


def backed_up(base: sqlite3.Connection, path: Path) -> None:
    """Write a copy of a database as one file, which takes the place of an earlier copy at once."""
    aside = path.with_name(f".new-{path.name}")
    aside.unlink(missing_ok=True)
    copy = sqlite3.connect(aside, isolation_level=None)
    try:
        base.backup(copy)
        # Without a log beside it, so that one file is the whole of it.
        copy.execute("PRAGMA journal_mode=DELETE")
    finally:
        copy.close()
    put_in_place(aside, path)


def _not_empty(path: Path) -> sqlite3.Connection:
    """Open a database for reading, or a copy of it that has the tables which it lacks."""
    base = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, isolation_level=None)
    try:
        if not _is_empty(base):
            return base
    except sqlite3.OperationalError:
        pass  # a folder that may only be read: SQLite cannot make its shared-memory file there
    except BaseException:
        base.close()
        raise
    base.close()
    copy = _copied(path)
    if _is_empty(copy):
        _create(copy)
    return copy


def _copied(path: Path) -> sqlite3.Connection:
    """Open a copy in memory of a database, with what its write-ahead log adds."""
    with tempfile.TemporaryDirectory() as folder:
        for file in (path, path.with_name(f"{path.name}-wal")):
            if file.exists():
                shutil.copyfile(file, Path(folder, file.name))
        copy = sqlite3.connect(Path(folder, path.name))
        memory = sqlite3.connect(":memory:", isolation_level=None)
        copy.backup(memory)
        copy.close()
    return memory


def _by_name(base: sqlite3.Connection) -> sqlite3.Connection:
    base.row_factory = sqlite3.Row
    return base


def _create(base: sqlite3.Connection) -> None:
    """Make the tables and the format number, all or nothing."""
    base.execute("BEGIN")
    for table, columns in TABLES.items():
        described = ", ".join(f"{name} {kind}" for name, kind in columns.items())
        base.execute(f"CREATE TABLE {table} ({described})")
    base.execute(f"PRAGMA user_version = {formats.FORMAT}")
    base.execute("COMMIT")


def _is_empty(base: sqlite3.Connection) -> bool:
    return not any(_columns(base, table) for table in TABLES)


def _format(base: sqlite3.Connection) -> int:
    return int(base.execute("PRAGMA user_version").fetchone()[0])


def _columns(base: sqlite3.Connection, table: str) -> tuple[str, ...]:
    rows = base.execute("SELECT name FROM pragma_table_info(?)", (table,))
    return tuple(row[0] for row in rows.fetchall())


def _check_pages(base: sqlite3.Connection, path: Path) -> None:
    """Refuse a database of which a page is not what SQLite wrote."""
    found = base.execute("PRAGMA quick_check(1)").fetchone()[0]
    if found != "ok":
        raise DamagedError(
            f"the journal {path} is damaged: {' '.join(str(found).split())}. Try `evoframe resume "
            f"{path.parent} --repair`, which takes the copy made after its last generation."
        )


def _check(base: sqlite3.Connection, path: Path) -> None:
    """Refuse a journal with more than is known here, or with less than there must be."""
    formats.require_readable(_format(base), path)
    for table, known in TABLES.items():
        found = _columns(base, table)
        if unknown := [name for name in found if name not in known]:
            raise formats.later(path, f"has a column {unknown[0]!r} in its table {table}")
        if missing := [name for name in known if name not in found]:
            raise DamagedError(
                f"the journal {path} is damaged: its table {table} has no column {missing[0]!r}. "
                f"Try `evoframe resume {path.parent} --repair`."
            )
