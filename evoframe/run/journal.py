"""The journal: every individual and event of a run, in one SQLite database.

It is the only truth about a run: a genotype file counts once its individual is in the journal.
"""

from __future__ import annotations

import hashlib
import json
import math
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs

from evoframe.errors import DamagedError, RunError
from evoframe.kernel.individual import Individual
from evoframe.run import checksums, kept
from evoframe.run.account import Account, packed, unpacked
from evoframe.run.copying import Copy
from evoframe.run.database import backed_up, open_read_only, open_writable
from evoframe.run.entry import Entry
from evoframe.run.folder import NAME
from evoframe.run.known import Known
from evoframe.run.rows import Row, fitness_text, individual_of, row_of, typed
from evoframe.undisturbed import undisturbed

ENDING, PICK, SECONDS, TOLD, REMARKS = "finished", "pick", "seconds", "told", "remarks"
SURVEY, LATENCY, RECIPES = "survey", "latency", "recipes"
"""Names of the facts that the journal holds of a run."""

LIFE, SESSION = "life", "session"
"""Names of events: what a life took and left, and that a process took up the run."""


class Journal:
    """Reads and writes the journal of one run; to be closed."""

    def __init__(self, path: Path, *, writable: bool) -> None:
        self._path = path
        self._known = Known()
        # The number of the last row of individuals that was read or written.
        self._read = 0
        self._lost: set[str] = set()
        self._copy: Copy | None = None
        with self._guarded():
            self._base = open_writable(path) if writable else open_read_only(path)

    def close(self) -> None:
        """Close the database, and its copy if there is one."""
        if self._copy is not None:
            self._copy.close()
        self._base.close()

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

    def tell(self, name: str, data: Mapping[str, Any]) -> None:
        """Put an event on record."""
        with self._guarded():
            self._insert(name, data)

    def _insert(self, name: str, data: Mapping[str, Any]) -> None:
        row = (name, json.dumps(dict(data)))
        self._base.execute("INSERT INTO events (name, data) VALUES (?, ?)", row)

    def events(self, name: str) -> list[dict[str, Any]]:
        """Return the data of all events of a name, oldest first."""
        return [data for _, _, data in self._events(name)]

    def sessions(self) -> list[tuple[str, dict[str, Any]]]:
        """Return when processes took up the run, in UTC, and what is on record of each."""
        return [(time, data) for _, time, data in self._events(SESSION)]

    def accounts(self) -> dict[str, Account]:
        """Return the accounts of lives by individual; earlier versions put none on record."""
        found = {}
        with undisturbed():
            for number, _, data in self._events(LIFE):
                with self._naming(f"event {number}"):
                    found[str(data["individual"])] = unpacked(data)
        return found

    def account(self, identity: str) -> Account | None:
        """Return the account of one life, without reading the others; None if there is none."""
        said = f"%{json.dumps({'individual': identity})[1:-1]}%"
        with self._guarded():
            rows = self._base.execute(
                "SELECT number, data FROM events WHERE name = ? AND data LIKE ?", (LIFE, said)
            ).fetchall()
        for row in rows:
            with self._naming(f"event {row['number']}"):
                return unpacked(dict(json.loads(row["data"])))
        return None

    def _events(self, name: str) -> Iterator[tuple[int, str, dict[str, Any]]]:
        with self._guarded():
            rows = self._base.execute(
                "SELECT number, time, data FROM events WHERE name = ? ORDER BY number", (name,)
            ).fetchall()
        for row in rows:
            with self._naming(f"event {row['number']}"):
                data = dict(json.loads(row["data"]))
            yield row["number"], str(row["time"]), data

    def note(self, **facts: str) -> None:
        """Set facts about the run, in one transaction."""
        with self._guarded(), self._base:
            self._base.execute("BEGIN")
            self._set(facts)

    def note_soon(self, **facts: str) -> None:
        """Set facts that the next individual makes durable; until then a power cut undoes them."""
        with self._guarded():
            self._base.execute("PRAGMA synchronous=NORMAL")
            try:
                self.note(**facts)
            finally:
                self._base.execute("PRAGMA synchronous=FULL")

    def _set(self, facts: Mapping[str, str]) -> None:
        for name, value in facts.items():
            kept.put(self._base, name, value)

    def fact(self, name: str) -> str | None:
        """Return a fact about the run, or None."""
        with self._guarded(), self._naming(f"fact {name!r}"):
            # In one statement, as somebody may write between two.
            value, due = self._base.execute(
                "SELECT (SELECT value FROM facts WHERE name = ?), "
                "(SELECT value FROM facts WHERE name = ?)",
                (name, f"{checksums.PREFIX}fact {name}"),
            ).fetchone()
            if value is None and (due is None or name != RECIPES):
                return None  # one that is lost is found out anew, but for the recipe
            checksums.require(due, {"value": value})
            return str(value)

    def number(self, name: str) -> float:
        """Return a fact that is a number; 0 if there is none."""
        with self._naming(f"fact {name!r}"):
            if not math.isfinite(value := float(self.fact(name) or 0)):
                raise ValueError(f"it is {value}")
            return value

    def facts(self) -> list[str]:
        """Return the names of all facts about the run."""
        with self._guarded():
            names = [str(row[0]) for row in self._base.execute("SELECT name FROM facts")]
        return [name for name in names if not name.startswith(checksums.PREFIX)]

    def recipes(self) -> list[tuple[int, str]]:
        """Return the recipes of the run as TOML, each with the first generation that it is for.

        None are on record where an earlier version began the run.
        """
        with self._naming(f"fact {RECIPES!r}"):
            found = json.loads(self.fact(RECIPES) or "[]")
            return [(int(one["from"]), str(one["text"])) for one in found]

    def note_recipes(self, recipes: Sequence[tuple[int, str]], **facts: str) -> None:
        """Put the recipes of the run on record, and facts with them."""
        kept = [{"from": first, "text": text} for first, text in recipes]
        self.note(**{RECIPES: json.dumps(kept)}, **facts)

    def forget(self, *names: str) -> None:
        """Take facts from the record, in one transaction."""
        with self._guarded(), self._base:
            self._base.execute("BEGIN")
            for name in (*names, *(f"{checksums.PREFIX}fact {one}" for one in names)):
                self._base.execute("DELETE FROM facts WHERE name = ?", (name,))

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

    def told(self, name: str) -> dict[str, Any]:
        """Return a fact that is a table, empty if it is not on record."""
        with self._naming(f"fact {name!r}"):
            return dict(json.loads(self.fact(name) or "{}"))

    def remarks(self) -> list[str]:
        """Return the sentences that people were told, oldest first."""
        with self._naming(f"fact {REMARKS!r}"):
            return [str(words) for words in json.loads(self.fact(REMARKS) or "[]")]

    def remark(self, sentences: Sequence[str]) -> None:
        """Put sentences on record that are not there yet."""
        known = self.remarks()
        said = [*dict.fromkeys([*known, *sentences])]
        if said != known:
            self.note(**{REMARKS: json.dumps(said)})

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
        try:
            yield
        except sqlite3.OperationalError as error:
            raise RunError(
                f"the journal {self._path} cannot be used: {error}. What it holds is safe; make "
                "room or repair the folder, then go on with `evoframe resume`."
            ) from error
        # Python cannot decode what SQLite complains of where damage stands in its words.
        except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
            raise DamagedError(
                f"the journal {self._path} is damaged: {error}. {self._remedy()}"
            ) from error


def is_finished(path: Path) -> bool:
    """Tell whether the run of a journal has come to its end, however early it may be killed."""
    if not path.is_file():
        return False
    journal = Journal(path, writable=False)
    try:
        return journal.fact(ENDING) is not None
    finally:
        journal.close()


def run_digest(entries: tuple[Entry, ...]) -> str:
    """Return 32 hex digits for all individuals: genotypes, weights and metrics, not times.

    Two runs share it only if they agree in every bit of every individual.
    """
    state = hashlib.blake2b(digest_size=16, person=b"evoframe.run")
    for entry in sorted(
        entries, key=lambda entry: (entry.individual.generation, entry.individual.place)
    ):
        one = entry.individual
        facts: list[Any] = [one.id, list(one.parents), one.origin, one.stillborn, entry.digest]
        if one.notes:  # without any, the digest is what it was before there were notes
            facts.append(one.notes.text)
        if one.overtaken is not None:
            facts.append(["overtaken", one.overtaken])
        state.update(json.dumps([*facts, fitness_text(one.fitness)]).encode())
    return state.hexdigest()
