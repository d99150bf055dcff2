"""Facts: what the journal holds of a run as a whole, by name, each with its checksum."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from evoframe.run.disk import checksums, kept
from evoframe.run.disk.guarding import Guarded

ENDING, PICK, SECONDS, TOLD, REMARKS = "finished", "pick", "seconds", "told", "remarks"
OF_ENDING = "remarks of the ending"
SURVEY, LATENCY, RECIPES = "survey", "latency", "recipes"
"""Names of the facts that the journal holds of a run."""

TOO_EARLY = "tensors did not shrink: "
"""How a remark begins that is one of the ending, and that earlier versions made before."""


class Facts(Guarded):
    """Reads and writes the facts of one run."""

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
        told = [{"from": first, "text": text} for first, text in recipes]
        self.note(**{RECIPES: json.dumps(told)}, **facts)

    def forget(self, *names: str) -> None:
        """Take facts from the record, in one transaction."""
        with self._guarded(), self._base:
            self._base.execute("BEGIN")
            for name in (*names, *(f"{checksums.PREFIX}fact {one}" for one in names)):
                self._base.execute("DELETE FROM facts WHERE name = ?", (name,))

    def told(self, name: str) -> dict[str, Any]:
        """Return a fact that is a table, empty if it is not on record."""
        with self._naming(f"fact {name!r}"):
            return dict(json.loads(self.fact(name) or "{}"))

    def remarks(self) -> list[str]:
        """Return the sentences that people were told, oldest first, and last those on the ending.

        Without what earlier versions judged by the first offspring alone: later ones may differ.
        """
        said = [words for words in self._said(REMARKS) if not words.startswith(TOO_EARLY)]
        return said + self._said(OF_ENDING)

    def _said(self, name: str) -> list[str]:
        with self._naming(f"fact {name!r}"):
            return [str(words) for words in json.loads(self.fact(name) or "[]")]

    def remark(self, sentences: Sequence[str]) -> None:
        """Put sentences on record that are not there yet."""
        known = self._said(REMARKS)
        said = [*dict.fromkeys([*known, *sentences])]
        if said != known:
            self.note(**{REMARKS: json.dumps(said)})
