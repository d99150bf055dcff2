"""Checksums: what is written of a run tells, when it is read again, whether it is as it was.

Genotypes have a digest in the journal; rows of the journal and checkpoints have theirs from here.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Mapping
from typing import Any

import torch

from evoframe.kernel.genotype import State

PREFIX = "checksum of "
"""How the names of facts begin that are checksums of other rows."""


def of_row(values: Mapping[str, Any]) -> str:
    """Return 16 hex digits for the values of a row by the names of their columns."""
    text = json.dumps(dict(values), sort_keys=True, default=repr)
    return hashlib.blake2b(text.encode(), digest_size=8, person=b"evoframe.row").hexdigest()


def of_tensors(tensors: State, said: str) -> str:
    """Return 32 hex digits for tensors with their names, kinds and shapes, and for some words."""
    state = hashlib.blake2b(digest_size=16, person=b"evoframe.life")
    state.update(said.encode())
    for name in sorted(tensors):
        value = tensors[name].detach().cpu().contiguous()
        state.update(f"|{name}{value.dtype}{tuple(value.shape)}".encode())
        state.update(value.reshape(-1).view(torch.uint8).numpy().tobytes())
    return state.hexdigest()


def put(base: sqlite3.Connection, row: str, values: Mapping[str, Any]) -> None:
    """Write the checksum of a row, within the transaction that writes the row."""
    base.execute(
        "INSERT OR REPLACE INTO facts (name, value) VALUES (?, ?)",
        (PREFIX + row, of_row(values)),
    )


def on_record(base: sqlite3.Connection, kind: str) -> dict[str, str]:
    """Return the checksums of all rows whose names begin with a word, by the rest of the name."""
    start = f"{PREFIX}{kind} "
    end = f"{start[:-1]}!"  # the character after a blank: SQLite has an index over names
    rows = base.execute("SELECT name, value FROM facts WHERE name > ? AND name < ?", (start, end))
    return {str(row[0])[len(start) :]: row[1] for row in rows.fetchall()}


def require(due: Any, values: Mapping[str, Any]) -> None:
    """Refuse a row that is not as it was written; journals of earlier versions do not tell.

    Raises:
        ValueError: it is not.
    """
    if due is not None and due != of_row(values):
        raise ValueError("it is not as it was written: its checksum is another one")
