"""The journal: every individual and event of a run, in one SQLite database.

It is the only truth about a run: a genotype file counts once its individual is in the journal.
Individuals are read and written here, facts and events in files of their names beside this one.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs

from evoframe.errors import RunError
from evoframe.kernel.individual import Individual
from evoframe.run.disk import checksums, kept
from evoframe.run.disk.account import packed
from evoframe.run.disk.copying import Copy
from evoframe.run.disk.database import backed_up
from evoframe.run.disk.entry import Entry
from evoframe.run.disk.events import LIFE, Events
from evoframe.run.disk.facts import ENDING, Facts
from evoframe.run.disk.folder import NAME
from evoframe.run.disk.known import Known
from evoframe.run.disk.rows import Row, individual_of, row_of, typed
from evoframe.undisturbed import undisturbed


class Journal(Facts, Events):
    """Reads and writes the journal of one run; to be closed."""

    def __init__(self, path: Path, *, writable: bool) -> None:
        super().__init__(path, writable=writable)
        self._known = Known()
        # The number of the last row of individuals that was read or written.
        self._read = 0
        self._lost: set[str] = set()
        self._copy: Copy | None = None

    def close(self) -> None:
        """Close the database, and its copy if there is one."""
        if self._copy is not None:
            self._copy.close()
        super().close()

    def go_on_from(self, earlier: Journal) -> None:
        """Take over what was read of the same journal when it was opened earlier."""
        self._known, self._read, self._lost = earlier._known, earlier._read, earlier._lost

    def add(self, entry: Entry, **facts: str) -> None:
        """Put an individual on record, with its account; from here on it is finished.

        Args:
            entry: who it is.
            facts: about the run, set in the same transaction.
        """
        self.known()
        row = {**row_of(entry.individual), "digest": entry.digest, "seconds": float(entry.seconds)}
        columns, marks = ", ".join(row), ", ".join(f":{name}" for name in row)
        with self._guarded(), self._base:
            self._base.execute("BEGIN")
            added = self._base.execute(f"INSERT INTO individuals ({columns}) VALUES ({marks})", row)  # noqa: S608
            checksums.put(self._base, f"individual {row['id']}", row)
            one = entry.individual
            noted = kept.Noted(one.notes, entry.given, one.overtaken)
            kept.put_notes(self._base, entry.individual.id, noted)
            if entry.account is not None:
                data = {"individual": entry.individual.id, **packed(entry.account)}
                self._insert(LIFE, data)
            self._set(facts)
        # As it will be read, so that a run which is resumed sees what this one does.
        self._known.add(self._entry(row, None, noted))
        self._read = added.lastrowid or 0

    def known(self) -> Known:
        """Return everybody on record; what is new since the last time is read, and nothing else."""
        with undisturbed():
            return self._read_on()

    def _read_on(self) -> Known:
        with self._guarded(), self._as_one():
            most = self._base.execute("SELECT max(rowid) FROM individuals").fetchone()[0] or 0
            if most == self._read:
                return self._known
            if most < self._read:  # an earlier copy has taken its place
                self._known, self._read = Known(), 0
            rows = self._base.execute(
                "SELECT * FROM individuals WHERE rowid > ?", (self._read,)
            ).fetchall()
            due, noted = self._beside(rows)
        found = [self._entry(row, due.get(one := str(row["id"])), noted.get(one)) for row in rows]
        self._require_forebears(found)
        for entry in found:
            self._known.add(entry)
        self._read = most
        return self._known

    @contextmanager
    def _as_one(self) -> Iterator[None]:
        """Read several times what stands there at one instant, whoever writes meanwhile."""
        self._base.execute("BEGIN")
        try:
            yield
        finally:
            self._base.execute("COMMIT")

    def _beside(
        self, rows: Sequence[sqlite3.Row]
    ) -> tuple[Mapping[str, Any], Mapping[str, kept.Noted]]:
        """Return checksums and notes of individuals by id: all at first, then of these alone."""
        names = [str(row["id"]) for row in rows]
        if self._read:
            due = {
                one: kept.value(self._base, f"{checksums.PREFIX}individual {one}") for one in names
            }
            with self._naming("notes"):
                return due, {one: kept.notes_of(self._base, one) for one in names}
        found = checksums.on_record(self._base, "individual")
        self._lost = set(found) - set(names)
        with self._naming("notes"):
            return found, kept.all_notes(self._base)

    def lost(self) -> list[int]:
        """Return the generations of individuals whose rows are gone, as their checksums tell."""
        self.known()
        named = [NAME.fullmatch(name) for name in self._lost]
        return [int(found[0][1:].partition("s")[0]) for found in named if found]

    def entries(self) -> tuple[Entry, ...]:
        """Return all individuals, by generation and place."""
        return self.known().entries()

    def individuals(self) -> tuple[Individual, ...]:
        """Return the records of all individuals, by generation and place."""
        return tuple(entry.individual for entry in self.entries())

    def entry(self, identity: str) -> Entry:
        """Return one individual, without reading the others.

        Raises:
            RunError: there is none of that id.
        """
        if identity in self._known:
            return self._known[identity]
        with self._guarded():
            rows = self._base.execute("SELECT * FROM individuals WHERE id = ?", (identity,))
            row = rows.fetchone()
            due = kept.value(self._base, f"{checksums.PREFIX}individual {identity}")
        if row is None:
            raise RunError(f"there is no individual {identity!r} in {self._path.parent}.")
        return self._entry(row, due, self._notes_of(identity))

    def _notes_of(self, identity: str) -> kept.Noted:
        with self._guarded(), self._naming(f"the notes of {identity!r}"):
            return kept.notes_of(self._base, identity)

    def last_generation(self) -> int:
        """Return the number of the last generation of which anybody is on record; 0 if nobody."""
        with self._guarded():
            found = self._base.execute("SELECT max(generation) FROM individuals").fetchone()[0]
        return found if isinstance(found, int) else 0

    def back_up(self, path: Path) -> None:
        """Make the copy of the journal what the journal is now."""
        try:
            with self._guarded():
                self._copy = self._copy or Copy(self._base, path)
                self._copy.bring_up()
        except OSError as error:
            raise RunError(f"{path} cannot be written: {error}") from error

    def copy_to(self, path: Path) -> None:
        """Write a copy as one file that is never changed, for readers on other machines."""
        try:
            with self._guarded():
                backed_up(self._base, path)
        except OSError as error:
            raise RunError(f"{path} cannot be written: {error}") from error

    def _entry(self, row: Row, due: Any, noted: kept.Noted | None) -> Entry:
        with self._naming(f"individual {row['id']!r}"):
            checksums.require(due, dict(row))
            seconds, digest = float(typed(row, "seconds", float)), typed(row, "digest", str)
            one = individual_of(row)
            if noted is None:  # nothing is noted of most
                return Entry(one, digest, seconds)
            one = attrs.evolve(one, notes=noted.own, overtaken=noted.overtaken)
            return Entry(one, digest, seconds, given=noted.given)

    def _require_forebears(self, entries: Sequence[Entry]) -> None:
        """Refuse a journal in which somebody has parents that are not on record before them."""
        fresh = {entry.individual.id: entry for entry in entries}
        for entry in entries:
            one = entry.individual
            with self._naming(f"individual {one.id!r}"):
                carried = () if one.genotype_id in ("", one.id) else (one.genotype_id,)
                for name in (*one.parents, *carried):
                    before = fresh.get(name) or self._known.get(name)
                    if before is None or before.individual.generation >= one.generation:
                        raise ValueError(f"{name} is not on record before it")


def is_finished(path: Path) -> bool:
    """Tell whether the run of a journal has come to its end, however early it may be killed."""
    if not path.is_file():
        return False
    journal = Journal(path, writable=False)
    try:
        return journal.fact(ENDING) is not None
    finally:
        journal.close()
