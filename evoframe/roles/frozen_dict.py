"""Tables as options: a mapping that nobody can change, so that strategies stay values."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping
from typing import Any, TypeVar

V = TypeVar("V")


class FrozenDict(Mapping[str, V]):
    """A mapping from names that cannot be changed, and can be hashed: for options that are tables.

    Use it as the converter of the option, so that dicts are welcome in Python too::

        shares: Mapping[str, float] = attrs.field(
            factory=FrozenDict, converter=FrozenDict, metadata=doc("share that lives, by layer")
        )
    """

    __slots__ = ("_items",)

    def __init__(self, given: Mapping[str, V] | Iterable[tuple[str, V]] = ()) -> None:
        self._items: dict[str, V] = dict(given)

    def __getitem__(self, name: str) -> V:
        return self._items[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __hash__(self) -> int:
        # Equal mappings are equal in any order, and so must be their hashes.
        items: Iterable[Hashable] = self._items.items()
        return hash(frozenset(items))

    def __repr__(self) -> str:
        return f"FrozenDict({self._items!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return FrozenDict, (self._items,)
