"""Guarding: a journal's database, of which all that goes wrong is told by name, with a remedy."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from evoframe.errors import DamagedError, RunError
from evoframe.run.disk.database import open_read_only, open_writable


class Guarded:
    """The database of a journal, open; to be closed."""

    def __init__(self, path: Path, *, writable: bool) -> None:
        self._path = path
        with self._guarded():
            self._base = open_writable(path) if writable else open_read_only(path)

    def close(self) -> None:
        """Close the database."""
        self._base.close()

    @contextmanager
    def _naming(self, row: str) -> Iterator[None]:
        """Say in which row it is that something cannot be read."""
        try:
            yield
        # All that JSON of any content can raise on its way to an individual; deep nesting among it.
        except (
            ValueError,
            TypeError,
            KeyError,
            AttributeError,
            RecursionError,
            OverflowError,
        ) as error:
            raise DamagedError(
                f"the journal {self._path} is damaged in the row of {row}: "
                f"{type(error).__name__}: {error}. {self._remedy()}"
            ) from error

    def _remedy(self) -> str:
        return (
            f"`evoframe resume {self._path.parent} --repair` takes the copy that was made after "
            "its last generation; a new run with the same recipe and seed brings forth the same."
        )

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        """Say what SQLite complains of as people can do something about it."""
        try:
            yield
        except sqlite3.OperationalError as error:
            raise RunError(
                f"the journal {self._path} cannot be used: {error}. Its content is safe; free "
                "some space or repair the folder, then continue with `evoframe resume`."
            ) from error
        # Python cannot decode what SQLite complains of where damage stands in its words.
        except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
            raise DamagedError(
                f"the journal {self._path} is damaged: {error}. {self._remedy()}"
            ) from error
