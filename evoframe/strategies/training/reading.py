"""Reading the batches of an epoch, so that somebody else can go on reading in the midst of it.

A pass over data may draw from global generators whenever it gives a batch, for augmentation or to
decide which batch is next, and the network draws in between. Whoever takes the pass up again reads
the same batches once more, each with the generators where they were.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import TypeVar

from evoframe.kernel.generators import moved, packed, places, put_back
from evoframe.kernel.genotype import State
from evoframe.kernel.life import Batch

T = TypeVar("T")

BEGIN = "begin"
"""What the beginning of a pass is called, where others are called by the number of the batch."""


class Reader:
    """One pass over batches.

    Attributes:
        read: how many batches it has given.
        notes: where generators were, by the batch that drew from them.
    """

    def __init__(self, batches: Iterable[Batch], *, noting: bool) -> None:
        self.read, self.notes = 0, dict[str, State]()
        self._batches, self._noting = batches, noting
        self._pass: Iterator[Batch] | None = None

    def next(self, count: int) -> list[Batch]:
        """Return so many batches, or as many as there are left."""
        return list(islice(self._each(), count))

    def rest(self) -> Iterator[Batch]:
        """Yield all batches that are left."""
        yield from self._each()

    def close(self) -> None:
        """End the pass: whoever gives the batches may have something to put back."""
        if callable(close := getattr(self._pass, "close", None)):
            close()

    def put_down(self) -> State:
        """Return the places of generators, for :meth:`take_up`."""
        return {
            f"{batch}.{name}": place
            for batch, kept in self.notes.items()
            for name, place in kept.items()
        }

    def take_up(self, read: int, kept: State) -> None:
        """Read again as many batches as somebody has read before, and forget them."""
        for full_name, place in kept.items():
            batch, _, name = full_name.partition(".")
            self.notes[batch] = {**self.notes.get(batch, {}), name: place}
        noting, self._noting = self._noting, False
        put_back(self.notes.get(BEGIN, {}))
        given = self._begun()
        for number in range(read):
            put_back(self.notes.get(str(number), {}))
            next(given)
            self.read += 1
        self._noting = noting

    def _each(self) -> Iterator[Batch]:
        given = self._begun()
        while True:
            try:
                batch = self._noted(str(self.read), lambda: next(given))
            except StopIteration:
                return
            self.read += 1
            yield batch

    def _begun(self) -> Iterator[Batch]:
        if self._pass is None:
            self._pass = self._noted(BEGIN, lambda: iter(self._batches))
        return self._pass

    def _noted(self, name: str, give: Callable[[], T]) -> T:
        """Return a batch or a pass as it is given, and note which generators it has drawn from."""
        if not self._noting:
            return give()
        before = places()
        found = give()
        drawn = moved(before, places())
        if drawn:
            self.notes[name] = packed(before, drawn)
        return found
