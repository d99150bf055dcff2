"""Copying: the copy of a journal, which is brought up to it with what was written since.

It takes the time of what is new, and not of all that there is. While a run goes on the copy has a
write-ahead log beside it, ``backup.sqlite-wal``; afterwards it is one file.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from evoframe.run.disk.database import TABLES, backed_up
from evoframe.run.disk.folder import MOMENT

CHANGED = "temp.changed"
"""The table that lists which rows were written since the copy was."""


class Copy:
    """The copy of an open journal; to be closed before the journal is."""

    def __init__(self, base: sqlite3.Connection, path: Path) -> None:
        """Begin to note what is written to a journal.

        Args:
            base: the journal, open.
            path: where the copy is or will be.
        """
        self._base, self._path = base, path
        self._copy: sqlite3.Connection | None = None
        base.execute("PRAGMA temp_store=MEMORY")
        base.execute(f"CREATE TABLE {CHANGED} (name TEXT, row INTEGER, PRIMARY KEY (name, row))")
        for table in TABLES:
            for event, row in (("INSERT", "NEW"), ("UPDATE", "NEW"), ("DELETE", "OLD")):
                said = f"INSERT OR IGNORE INTO changed VALUES ('{table}', {row}.rowid);"  # noqa: S608
                where = f"{table}_{event} AFTER {event} ON main.{table}"
                base.execute(f"CREATE TEMP TRIGGER {where} BEGIN {said} END")

    def bring_up(self) -> None:
        """Make the copy what the journal is: as a whole at first, then with what is new."""
        if self._copy is None or not self._is_added(self._copy):
            self._begin()

    def _begin(self) -> None:
        self.close()
        if not settle(self._path):
            return  # it is made when the next generation is over
        backed_up(self._base, self._path)
        self._base.execute(f"DELETE FROM {CHANGED}")  # noqa: S608
        self._copy = sqlite3.connect(self._path, isolation_level=None)
        self._copy.execute("PRAGMA journal_mode=WAL")
        # Whole after a power cut, if not the latest: what is newer stands in the journal itself.
        self._copy.execute("PRAGMA synchronous=NORMAL")

    def close(self) -> None:
        """Leave the copy as one file."""
        if self._copy is not None:
            self._copy.close()
            settle(self._path)
        self._copy = None

    def _is_added(self, copy: sqlite3.Connection) -> bool:
        """Add what is new to the copy; False if something is wrong with it."""
        try:
            with copy:
                copy.execute("BEGIN")
                for table, columns in TABLES.items():
                    self._add_rows(copy, table, list(columns))
        except sqlite3.DatabaseError:
            return False
        self._base.execute(f"DELETE FROM {CHANGED}")  # noqa: S608
        return True

    def _add_rows(self, copy: sqlite3.Connection, table: str, columns: list[str]) -> None:
        # Under the same numbers, by which what is written later is told.
        number = f"(SELECT row FROM {CHANGED} WHERE name = '{table}')"  # noqa: S608
        rows = self._base.execute(f"SELECT row FROM {CHANGED} WHERE name = ?", (table,))  # noqa: S608
        copy.executemany(f"DELETE FROM {table} WHERE rowid = ?", [tuple(row) for row in rows])  # noqa: S608
        named = ", ".join(columns if "number" in columns else ["rowid", *columns])
        found = self._base.execute(f"SELECT {named} FROM {table} WHERE rowid IN {number}")  # noqa: S608
        marks = ", ".join("?" * len(named.split(", ")))
        copy.executemany(
            f"INSERT OR REPLACE INTO {table} ({named}) VALUES ({marks})",  # noqa: S608
            [tuple(row) for row in found],
        )


def settle(path: Path) -> bool:
    """Bring home what stands in the log beside a copy; True if the file is the whole of it now."""
    try:
        if path.is_file():
            with closing(sqlite3.connect(path, timeout=MOMENT, isolation_level=None)) as copy:
                copy.execute("PRAGMA journal_mode=DELETE")
    except sqlite3.OperationalError:
        return False  # somebody reads it
    except (sqlite3.DatabaseError, UnicodeDecodeError):
        pass  # it is damaged, and nothing of it is of use
    for ending in ("-wal", "-shm", "-journal"):
        path.with_name(path.name + ending).unlink(missing_ok=True)
    return True
