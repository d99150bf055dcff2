"""The journal: every individual and event of a run, in one SQLite database.

It is the only truth about a run: a genotype file counts once its individual is in the journal.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs

from evoframe.errors import DamagedError, RunError
from evoframe.kernel.individual import Fitness, Individual, Measurement, Origin

_SCHEMA = """
CREATE TABLE IF NOT EXISTS individuals (
    id TEXT PRIMARY KEY, generation INTEGER NOT NULL, slot INTEGER NOT NULL,
    parents TEXT NOT NULL, origin TEXT NOT NULL, key TEXT NOT NULL, genotype TEXT NOT NULL,
    digest TEXT NOT NULL, fitness TEXT, stillborn TEXT NOT NULL, seconds REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS events (
    number INTEGER PRIMARY KEY, time TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP,
    name TEXT NOT NULL, data TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""


@attrs.frozen
class Entry:
    """An individual as it stands in the journal.

    Attributes:
        individual: the record itself.
        digest: of the genotype that it carries; empty when stillborn.
        seconds: how long its life took; not part of any digest.
    """

    individual: Individual
    digest: str
    seconds: float


class Journal:
    """Reads and writes the journal of one run; to be closed."""

    def __init__(self, path: Path, *, writable: bool) -> None:
        self._path = path
        with self._guarded():
            if writable:
                self._base = sqlite3.connect(path, isolation_level=None)
                self._base.execute("PRAGMA journal_mode=WAL")
                self._base.execute("PRAGMA synchronous=FULL")
                self._base.executescript(_SCHEMA)
            else:
                self._base = _read_only(path)

    def close(self) -> None:
        """Close the database."""
        self._base.close()

    def add(self, entry: Entry) -> None:
        """Put an individual on record; from here on it is finished."""
        one = entry.individual
        values = (
            one.id, one.generation, one.slot, json.dumps(one.parents), one.origin, one.key,
            one.genotype, entry.digest, _fitness_text(one.fitness), one.stillborn, entry.seconds,
        )  # fmt: skip
        with self._guarded():
            marks = ", ".join("?" * len(values))
            self._base.execute(f"INSERT INTO individuals VALUES ({marks})", values)  # noqa: S608

    def entries(self) -> tuple[Entry, ...]:
        """Return all individuals, by generation and slot."""
        with self._guarded():
            rows = self._base.execute("SELECT * FROM individuals ORDER BY generation, slot")
            return tuple(map(_entry, rows.fetchall()))

    def individuals(self) -> tuple[Individual, ...]:
        """Return the records of all individuals, by generation and slot."""
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
        return _entry(row)

    def tell(self, name: str, data: Mapping[str, Any]) -> None:
        """Put an event on record."""
        with self._guarded():
            self._base.execute(
                "INSERT INTO events (name, data) VALUES (?, ?)", (name, json.dumps(dict(data)))
            )

    def events(self, name: str) -> list[dict[str, Any]]:
        """Return the data of all events of a name, oldest first."""
        with self._guarded():
            rows = self._base.execute(
                "SELECT data FROM events WHERE name = ? ORDER BY number", (name,)
            )
            return [json.loads(data) for (data,) in rows.fetchall()]

    def note(self, **facts: str) -> None:
        """Set facts about the run, in one transaction."""
        with self._guarded(), self._base:
            self._base.execute("BEGIN")
            for name, value in facts.items():
                self._base.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, value))

    def fact(self, name: str) -> str | None:
        """Return a fact about the run, or None."""
        with self._guarded():
            row = self._base.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

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


def run_digest(entries: tuple[Entry, ...]) -> str:
    """Return 32 hex digits for all individuals: genotypes, weights and metrics, not times.

    Two runs share it only if they agree in every bit of every individual.
    """
    state = hashlib.blake2b(digest_size=16, person=b"evoframe.run")
    for entry in sorted(
        entries, key=lambda entry: (entry.individual.generation, entry.individual.slot)
    ):
        one = entry.individual
        facts = [one.id, list(one.parents), one.origin, one.stillborn, entry.digest]
        state.update(json.dumps([*facts, _fitness_text(one.fitness)]).encode())
    return state.hexdigest()


def _read_only(path: Path) -> sqlite3.Connection:
    if not path.is_file():
        raise RunError(f"there is no journal {path}.")
    base = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, isolation_level=None)
    try:
        base.execute("SELECT 1 FROM individuals LIMIT 1")
    except sqlite3.OperationalError:
        # A folder that may only be read: SQLite cannot make its shared-memory file there.
        base.close()
        base = _copied(path)
    return base


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


def _entry(row: tuple[Any, ...]) -> Entry:
    identity, generation, slot, parents, origin, key, genotype, digest, fitness, stillborn, s = row
    individual = Individual(
        id=identity,
        generation=generation,
        slot=slot,
        parents=tuple(json.loads(parents)),
        origin=Origin(origin),
        key=key,
        genotype=genotype,
        fitness=None if fitness is None else _fitness(json.loads(fitness)),
        stillborn=stillborn,
    )
    return Entry(individual, digest, s)


def _fitness_text(fitness: Fitness | None) -> str | None:
    # repr of a float is exact, and JSON uses it: what is read back is what was written.
    return None if fitness is None else json.dumps(attrs.asdict(fitness), sort_keys=True)


def _fitness(data: Mapping[str, Any]) -> Fitness:
    measured = {
        split: {name: Measurement(**values) for name, values in data[split].items()}
        for split in ("validation", "test")
    }
    return Fitness(measured["validation"], measured["test"], data["costs"])
