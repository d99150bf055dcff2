"""Known: everybody on record, kept in memory beside the journal, so that it is read once.

A journal is read when it is opened and added to from then on. Whoever asks for somebody by id, for
a generation, or for all before one, is not made to wait longer because a run has become long.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterator, Mapping

from evoframe.kernel.individual import ANCESTOR, Individual
from evoframe.kernel.splits import Shown, blind
from evoframe.run.disk.entry import Entry


def place_of(entry: Entry) -> tuple[int, int]:
    """Return a key that sorts entries by generation and place."""
    return entry.individual.generation, entry.individual.place


class Known(Mapping[str, Entry]):
    """Entries by id; they come in any order, and are held by generation and place."""

    def __init__(self) -> None:
        self._by_id: dict[str, Entry] = {}
        self._generations: dict[int, list[Entry]] = {}
        self._archive: list[Individual] = []
        # The last generation whose living are in the archive.
        self._archived = 0
        self.last = 0
        """The last generation of which anybody is on record; 0 if nobody is."""

    def __getitem__(self, identity: str) -> Entry:
        return self._by_id[identity]

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_id)

    def __len__(self) -> int:
        return len(self._by_id)

    def add(self, entry: Entry) -> None:
        """Take somebody in who is on record now."""
        one = entry.individual
        self._by_id[one.id] = entry
        self.last = max(self.last, one.generation)
        insort(self._generations.setdefault(one.generation, []), entry, key=place_of)
        if one.generation <= self._archived:  # whose generation was thought to be complete
            self._archive.clear()
            self._archived = 0

    def entries(self) -> tuple[Entry, ...]:
        """Return everybody, by generation and place."""
        return tuple(one for number in sorted(self._generations) for one in self._of(number))

    def generation(self, number: int) -> tuple[Individual, ...]:
        """Return the members of a generation who are on record, by their places."""
        return tuple(entry.individual for entry in self._of(number))

    def archive(self, before: int) -> Shown:
        """Return the living of all generations before one, as whoever selects may see them."""
        if before <= self._archived:
            return Shown(one for one in self._archive if one.generation < before)
        for number in range(self._archived + 1, before):
            self._archive.extend(
                blind(one)
                for one in self.generation(number)
                if one.is_alive and one.overtaken is None
            )
        self._archived = before - 1
        return Shown(self._archive)

    @property
    def ancestor(self) -> Individual:
        """The individual that all others descend from; there must be one."""
        return self._by_id[ANCESTOR].individual

    def _of(self, number: int) -> list[Entry]:
        return self._generations.get(number, [])
