"""The journal: every individual and event of a run, in one SQLite database.

It is the only truth about a run: a genotype file counts once its individual is in the journal.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs

from evoframe.errors import DamagedError, RunError
from evoframe.evolution.birth import Remark
from evoframe.kernel.individual import Fitness, Individual, Measurement, Origin
from evoframe.run.account import Account, packed, unpacked
from evoframe.run.database import open_read_only, open_writable

ENDING, PICK, SECONDS, TOLD, REMARKS = "finished", "pick", "seconds", "told", "remarks"
SURVEY, LATENCY = "survey", "latency"
"""Names of the facts that the journal holds of a run."""

LIFE, SESSION = "life", "session"
"""Names of events: what a life took and left, and that a process took up the run."""


@attrs.frozen
class Entry:
    """An individual as it stands in the journal.

    Attributes:
        individual: the record itself.
        digest: of the genotype that it carries; empty when stillborn.
        seconds: how long its life took; not part of any digest.
        remarks: what people should be told of how it came to be; kept apart from the row.
        account: what is put on record beside it; not read back with it, see
            :meth:`Journal.accounts`.
    """

    individual: Individual
    digest: str
    seconds: float
    remarks: tuple[Remark, ...] = attrs.field(default=(), eq=False)
    account: Account | None = attrs.field(default=None, eq=False)


class Journal:
    """Reads and writes the journal of one run; to be closed."""

    def __init__(self, path: Path, *, writable: bool) -> None:
        self._path = path
        with self._guarded():
            self._base = open_writable(path) if writable else open_read_only(path)

    def close(self) -> None:
        """Close the database."""
        self._base.close()

    def add(self, entry: Entry) -> None:
        """Put an individual on record, with its account; from here on it is finished."""
        row = _row(entry)
        columns, marks = ", ".join(row), ", ".join(f":{name}" for name in row)
        with self._guarded(), self._base:
            self._base.execute("BEGIN")
            self._base.execute(f"INSERT INTO individuals ({columns}) VALUES ({marks})", row)  # noqa: S608
            if entry.account is not None:
                data = {"individual": entry.individual.id, **packed(entry.account)}
                self._insert(LIFE, data)

    def entries(self) -> tuple[Entry, ...]:
        """Return all individuals, by generation and place."""
        with self._guarded():
            rows = self._base.execute("SELECT * FROM individuals ORDER BY generation, slot")
            return tuple(map(self._entry, rows.fetchall()))

    def individuals(self) -> tuple[Individual, ...]:
        """Return the records of all individuals, by generation and place."""
        return tuple(entry.individual for entry in self.entries())

    def entry(self, identity: str) -> Entry:
        """Return one individual.

        Raises:
            RunError: there is none of that id.
        """
        with self._guarded():
            rows = self._base.execute("SELECT * FROM individuals WHERE id = ?", (identity,))
            row = rows.fetchone()
        if row is None:
            raise RunError(f"there is no individual {identity!r} in {self._path.parent}.")
        return self._entry(row)

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
        for number, _, data in self._events(LIFE):
            with self._naming(f"event {number}"):
                found[str(data["individual"])] = unpacked(data)
        return found

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
            for name, value in facts.items():
                self._base.execute(
                    "INSERT OR REPLACE INTO facts (name, value) VALUES (?, ?)", (name, value)
                )

    def fact(self, name: str) -> str | None:
        """Return a fact about the run, or None."""
        with self._guarded():
            row = self._base.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

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

    def _entry(self, row: sqlite3.Row) -> Entry:
        with self._naming(f"individual {row['id']!r}"):
            return _entry(row)

    @contextmanager
    def _naming(self, row: str) -> Iterator[None]:
        """Say in which row it is that something cannot be read."""
        try:
            yield
        # All that JSON of any content can raise on its way to an individual; deep nesting among it.
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise DamagedError(
                f"the journal {self._path} is damaged in the row of {row}: "
                f"{type(error).__name__}: {error}. Restore it from a backup, or start a new run "
                "with the same recipe and seed, which brings forth the same."
            ) from error

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            raise RunError(
                f"the journal {self._path} cannot be used: {error}. What it holds is safe; make "
                "room or repair the folder, then go on with `evoframe resume`."
            ) from error
        except sqlite3.DatabaseError as error:
            raise DamagedError(f"the journal {self._path} is damaged: {error}.") from error


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
        facts = [one.id, list(one.parents), one.origin, one.stillborn, entry.digest]
        state.update(json.dumps([*facts, _fitness_text(one.fitness)]).encode())
    return state.hexdigest()


def _row(entry: Entry) -> dict[str, Any]:
    """Return an individual as a row, by the names of its columns."""
    one = entry.individual
    return {
        "id": one.id,
        "generation": one.generation,
        "slot": one.place,
        "parents": json.dumps(one.parents),
        "origin": one.origin,
        "key": one.key,
        "genotype": one.genotype_id,
        "digest": entry.digest,
        "fitness": _fitness_text(one.fitness),
        "stillborn": one.stillborn,
        "seconds": entry.seconds,
    }


def _entry(row: sqlite3.Row) -> Entry:
    fitness = _typed(row, "fitness", str | None)
    individual = Individual(
        id=_typed(row, "id", str),
        generation=_typed(row, "generation", int),
        place=_typed(row, "slot", int),
        parents=tuple(str(parent) for parent in json.loads(_typed(row, "parents", str))),
        origin=Origin(row["origin"]),
        key=_typed(row, "key", str),
        genotype_id=_typed(row, "genotype", str),
        fitness=None if fitness is None else _fitness(json.loads(fitness)),
        stillborn=_typed(row, "stillborn", str),
    )
    return Entry(individual, _typed(row, "digest", str), float(_typed(row, "seconds", float)))


def _typed(row: sqlite3.Row, column: str, kind: Any) -> Any:
    """Return the value of a column, of the type it must have; SQLite would take anything."""
    if not isinstance(row[column], kind):
        raise TypeError(f"{column} is {row[column]!r}")
    return row[column]


def _fitness_text(fitness: Fitness | None) -> str | None:
    # repr of a float is exact, and JSON uses it: what is read back is what was written.
    return None if fitness is None else json.dumps(attrs.asdict(fitness), sort_keys=True)


def _fitness(data: Mapping[str, Any]) -> Fitness:
    measured = {
        split: {name: Measurement(**values) for name, values in data[split].items()}
        for split in ("validation", "test")
    }
    return Fitness(measured["validation"], measured["test"], dict(data["costs"]))
