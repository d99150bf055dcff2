"""Notes: what an individual carries beside its genotype, for strategies to read and to write.

A selection writes them on a family, strategies of a life return them with what they return, and
offspring have those of their first parent until somebody says otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from evoframe.errors import ContractError
from evoframe.kernel.texts import KINDS, plain_number, text_of, value_of

Note = bool | int | float | str | np.ndarray[Any, Any]
"""What a note may be; of other kinds of numbers, what they are in NumPy or Python."""

LONGEST = 64
"""How many characters the name of a note may have."""

MOST = 2**20
"""How many bytes all notes of an individual may take as they are written in the journal."""


class Notes(Mapping[str, Note]):
    """Names to numbers, texts and arrays, which nobody can change: arrays are read-only copies.

    ``notes | {"name": value}`` are notes with one more. Two are equal if every bit of them is.
    """

    __slots__ = ("_held", "text")

    text: str
    """All of them as text, under which they are put on record."""

    def __init__(self, given: Mapping[str, Any] | None = None) -> None:
        """Take names and values, as copies.

        Raises:
            ContractError: what one of them is, and what it may be.
        """
        self._held: dict[str, Note] = {}
        if isinstance(given, Notes):
            self._held, self.text = dict(given), given.text
            return
        if not isinstance(given or {}, Mapping):
            raise ContractError(f"notes are a {type(given).__name__}; wanted a mapping by name")
        self._held = {_name(name): _note(name, value) for name, value in (given or {}).items()}
        self.text = text_of(self._held, "notes") if self._held else "{}"
        if len(self.text) > MOST:
            largest = max(self._held, key=lambda name: len(text_of(self._held[name], name)))
            raise ContractError(
                f"notes take {len(self.text):,} bytes as they are written, most of them "
                f"{largest!r}; wanted at most {MOST:,} for an individual"
            )

    @classmethod
    def read(cls, text: str) -> Notes:
        """Return the notes that were written as text.

        Raises:
            ValueError, TypeError, KeyError: it is no such text.
        """
        return cls(value_of(text))

    def __getitem__(self, name: str) -> Any:
        return self._held[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._held)

    def __len__(self) -> int:
        return len(self._held)

    def __or__(self, more: Mapping[str, Any]) -> Notes:
        """Return these with others, which count where both have a name."""
        return self if not more or more is self else Notes({**self, **more})

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Mapping):
            return False
        try:
            return self.text == Notes(other).text
        except ContractError:  # nothing that could be noted
            return False

    def __hash__(self) -> int:
        return hash(self.text)

    def __repr__(self) -> str:
        return repr(self._held)

    def __reduce__(self) -> tuple[Any, ...]:
        return Notes, (self._held,)


NONE = Notes()
"""No notes."""


def _name(name: Any) -> str:
    if isinstance(name, str) and 0 < len(name) <= LONGEST and name.isprintable():
        return name
    raise ContractError(
        f"a note is called {name!r}; wanted a text of 1 to {LONGEST} characters that print"
    )


def _note(name: str, value: Any) -> Note:
    """Return a value as it would be read from the record; arrays as copies that are read-only."""
    number = plain_number(value)
    if isinstance(value, str) or number is not None:
        return value if number is None else number
    if isinstance(value, Tensor):
        if value.dtype is torch.bfloat16 or value.layout is not torch.strided:
            raise ContractError(
                f"the note {name!r} is a {value.dtype} {value.layout} tensor, and notes are kept "
                "as NumPy has them; wanted a dense one, made float32 by float()"
            )
        value = value.detach().cpu().numpy()
    elif isinstance(value, list | tuple) and value:
        value = _row(value)
    if not isinstance(value, np.ndarray) or value.dtype.kind not in KINDS:
        told = f"array of {value.dtype}" if isinstance(value, np.ndarray) else type(value).__name__
        raise ContractError(
            f"the note {name!r} is a {told}; wanted a number, a text, or an array or tensor of "
            "numbers (state across generations may be more: begin() and learned())"
        )
    kept = np.array(value, value.dtype.newbyteorder("="), order="C")
    kept.flags.writeable = False
    return kept


def _row(values: Any) -> Any:
    """Return a list of numbers as an array; anything else as it is."""
    numbers = [plain_number(one) for one in values]
    return values if any(one is None for one in numbers) else np.array(numbers)
