"""Kept: what a run keeps for its strategies, beside individuals: notes, by whose they are.

They are facts of the journal, each with its checksum, and written in the transaction of whatever
they belong to. How many there are is a fact too, so that one that is lost is missed.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Any

import attrs

from evoframe.kernel.notes import NONE, Notes
from evoframe.kernel.texts import text_of, value_of
from evoframe.run.disk import checksums

NOTES, HOW_MANY = "notes of", "individuals with notes"
"""How the names of facts begin that are notes, and the fact that counts them."""


@attrs.frozen
class Noted:
    """What is noted of an individual.

    Attributes:
        own: what it carries.
        given: what selection gave its family, of which it was made.
        overtaken: epochs after which its generation went on without it; None if it did not.
    """

    own: Notes = NONE
    given: Notes = NONE
    overtaken: float | None = None


def put(base: sqlite3.Connection, name: str, value: str) -> None:
    """Write a fact and its checksum, within a transaction."""
    base.execute("INSERT OR REPLACE INTO facts (name, value) VALUES (?, ?)", (name, value))
    checksums.put(base, f"fact {name}", {"value": value})


def put_notes(base: sqlite3.Connection, identity: str, noted: Noted) -> None:
    """Write the notes of an individual, if it has any, within the transaction of its row."""
    if noted == Noted():
        return
    parts: dict[str, Any] = {"own": dict(noted.own), "family": dict(noted.given)}
    if noted.overtaken is not None:
        parts["overtaken"] = noted.overtaken
    put(base, f"{NOTES} {identity}", text_of(parts, "notes"))
    put(base, HOW_MANY, str(_how_many(base) + 1))


def all_notes(base: sqlite3.Connection) -> Mapping[str, Noted]:
    """Return the notes of everybody who has any, by id.

    Raises:
        ValueError, TypeError, KeyError: they are damaged, or some are gone.
    """
    rows = base.execute(
        "SELECT name, value FROM facts WHERE name > ? AND name < ?", (f"{NOTES} ", f"{NOTES}!")
    ).fetchall()
    if len(rows) != (due := _how_many(base)):
        raise ValueError(f"there are {len(rows)} and were {due}")
    sums = checksums.on_record(base, f"fact {NOTES}") if rows else {}
    found = {name[len(NOTES) + 1 :]: text for name, text in rows}
    return {identity: _read(text, sums.get(identity)) for identity, text in found.items()}


def notes_of(base: sqlite3.Connection, identity: str) -> Noted:
    """Return the notes of an individual.

    Raises:
        ValueError, TypeError, KeyError: they are damaged, or gone.
    """
    name = f"{NOTES} {identity}"
    text, due = value(base, name), value(base, f"{checksums.PREFIX}fact {name}")
    return Noted() if text is None and due is None else _read(text, due)


def value(base: sqlite3.Connection, name: str) -> str | None:
    """Return a fact as it stands there, or None."""
    row = base.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
    return None if row is None else row[0]


def _how_many(base: sqlite3.Connection) -> int:
    return int(value(base, HOW_MANY) or 0)


def _read(text: str | None, due: str | None) -> Noted:
    if text is None or due is None:
        raise ValueError("it is gone, or its checksum is")
    checksums.require(due, {"value": text})
    parts = value_of(text)
    overtaken = float(parts["overtaken"]) if "overtaken" in parts else None
    return Noted(Notes(parts["own"]), Notes(parts["family"]), overtaken)
