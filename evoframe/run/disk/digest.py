"""The digest of a run, by which two runs are compared bit for bit."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from evoframe.run.disk.entry import Entry
from evoframe.run.disk.rows import fitness_text


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
