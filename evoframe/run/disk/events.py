"""Events: what happened in a run by the journal; accounts of lives and sessions are among them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from evoframe.run.disk.account import Account, unpacked
from evoframe.run.disk.guarding import Guarded
from evoframe.undisturbed import undisturbed

LIFE, SESSION = "life", "session"
"""Names of events: what a life took and left, and that a process took up the run."""


class Events(Guarded):
    """Reads and writes the events of one run."""

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
