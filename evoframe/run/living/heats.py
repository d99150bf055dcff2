"""Heats of a run: a generation that is lived in rungs, each of its lives on record on each rung.

Who lives on is decided by the record alone, so the same are chosen after a kill at any instant.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import attrs

from evoframe.evolution import heats as rules
from evoframe.evolution.birth import Birth, Remark
from evoframe.kernel.context import Context
from evoframe.kernel.notes import Notes
from evoframe.kernel.population import Population
from evoframe.kernel.rungs import Heat
from evoframe.kernel.texts import text_of, value_of
from evoframe.roles.selection import Selection
from evoframe.run.disk.account import Account, packed, unpacked
from evoframe.run.disk.entry import Entry
from evoframe.run.disk.journal import Journal
from evoframe.run.disk.rows import individual_of, row_of

RUNG = "rung"
"""How the names of facts begin that say how somebody stood on a rung."""

Live = Callable[[int, Heat, Sequence[Birth]], Iterator[Entry]]
"""Lives lives on a rung of a number."""


@attrs.frozen(eq=False)
class Heats:
    """A generation in rungs.

    Attributes:
        heats: its rungs.
        journal: of the run.
        selection: decides who lives on.
        seen: whom the generation descends from.
        context: the run, with the key of the generation.
        live: lives lives.
    """

    heats: tuple[Heat, ...]
    journal: Journal
    selection: Selection
    seen: Population
    context: Context
    live: Live

    def entries(self, births: Sequence[Birth]) -> list[Entry]:
        """Return everybody after their last rung, in order of their places."""
        last: dict[str, Entry] = {}
        living = list(births)
        for number, heat in enumerate(self.heats):
            self._lived(number, heat, living)
            for birth in living:
                last[birth.id] = _together(last.get(birth.id), self._standing(number, birth.id))
            living = [one for one in living if last[one.id].individual.is_alive]
            living = [one for one in living if not one.family.elite]  # who has lived already
            if not living or number + 1 == len(self.heats):
                break
            going = self._promoted(self.heats[number + 1], [last[one.id] for one in living])
            for birth in living:
                if birth.id not in going:
                    one = attrs.evolve(last[birth.id].individual, overtaken=heat.until)
                    last[birth.id] = attrs.evolve(last[birth.id], individual=one)
            living = [one for one in living if one.id in going]
        return [last[birth.id] for birth in births]

    def _lived(self, number: int, heat: Heat, births: Sequence[Birth]) -> None:
        names = set(self.journal.facts())
        missing = [one for one in births if name_of(number, one.id) not in names]
        for entry in self.live(number, heat, missing):
            self.journal.note(**{name_of(number, entry.individual.id): text_of_entry(entry)})

    def _promoted(self, heat: Heat, living: Sequence[Entry]) -> frozenset[str]:
        individuals = [entry.individual for entry in living]
        return rules.promoted(heat, individuals, self.seen, self.selection, self.context)

    def _standing(self, number: int, identity: str) -> Entry:
        text = self.journal.fact(name_of(number, identity))
        assert text is not None
        return entry_of(text)


def name_of(number: int, identity: str) -> str:
    """Return the name of the fact that says how somebody stood on a rung; the first is 0."""
    return f"{RUNG} {number} of {identity}"


def standings(journal: Journal) -> dict[str, list[Entry]]:
    """Return the standing of everybody on each of their rungs, by id."""
    found: dict[str, list[tuple[int, Entry]]] = {}
    for name in journal.facts():
        word, _, rest = name.partition(" ")
        number, _, identity = rest.partition(" of ")
        if word == RUNG and number.isdigit() and (text := journal.fact(name)):
            found.setdefault(identity, []).append((int(number), entry_of(text)))
    return {
        identity: [entry for _, entry in sorted(rungs, key=lambda one: one[0])]
        for identity, rungs in found.items()
    }


def text_of_entry(entry: Entry) -> str:
    """Return an entry as a text."""
    return json.dumps(
        {
            "row": {**row_of(entry.individual), "digest": entry.digest, "seconds": entry.seconds},
            "own": text_of(dict(entry.individual.notes), "notes"),
            "given": text_of(dict(entry.given), "notes"),
            "account": None if entry.account is None else packed(entry.account),
            "remarks": [[one.about, one.rest] for one in entry.remarks],
        }
    )


def entry_of(text: str) -> Entry:
    """Return the entry of a text.

    Raises:
        ValueError, TypeError, KeyError, AttributeError: it is none.
    """
    told: dict[str, Any] = json.loads(text)
    one = attrs.evolve(individual_of(told["row"]), notes=Notes(value_of(told["own"])))
    return Entry(
        one,
        str(told["row"]["digest"]),
        float(told["row"]["seconds"]),
        tuple(Remark(about, rest) for about, rest in told["remarks"]),
        None if told["account"] is None else unpacked(told["account"]),
        given=Notes(value_of(told["given"])),
    )


def _together(before: Entry | None, now: Entry) -> Entry:
    """Return an entry with what the rungs before it took."""
    if before is None:
        return now
    phases = dict(() if before.account is None else before.account.phases)
    for name, seconds in (now.account or Account()).phases.items():
        phases[name] = phases.get(name, 0.0) + seconds
    account = attrs.evolve(now.account or Account(), phases=phases)
    remarks = (*before.remarks, *(one for one in now.remarks if one not in before.remarks))
    seconds = before.seconds + now.seconds
    return attrs.evolve(now, seconds=seconds, account=account, remarks=remarks)
