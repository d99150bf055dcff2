"""Mail: events of a life as files, written by its job and read by the driver while it goes on.

A file is opened for each event and closed again, so that network file systems bring it to the
driver. A job that begins anew after a kill begins a file of its own, so that what was written
half stays half.
"""

from __future__ import annotations

import pickle
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs

LENGTH = struct.Struct(">Q")
"""What stands before each event."""


class Sender:
    """Writes events; called as the function ``send`` of a life."""

    def __init__(self, folder: Path, name: str) -> None:
        number = 0
        while (path := folder / f"{name}.{number}").exists():
            number += 1
        self._path = path
        path.touch()

    def __call__(self, hook: str, event: Any) -> None:
        packed = pickle.dumps((hook, event))
        with self._path.open("ab") as file:
            file.write(LENGTH.pack(len(packed)) + packed)


@attrs.define
class Reader:
    """Reads the events of a life, file after file.

    Attributes:
        folder: where they are.
        name: how the names of its files begin.
    """

    folder: Path
    name: str
    _number: int = 0
    _at: int = 0

    def new(self, there: frozenset[str]) -> Iterator[tuple[str, Any]]:
        """Yield the events that were not read yet.

        Args:
            there: the names of all files in the folder.
        """
        while f"{self.name}.{self._number}" in there:
            yield from self._read()
            if f"{self.name}.{self._number + 1}" not in there:
                return
            self._number, self._at = self._number + 1, 0

    def _read(self) -> Iterator[tuple[str, Any]]:
        with (self.folder / f"{self.name}.{self._number}").open("rb") as file:
            file.seek(self._at)
            content = file.read()
        start = 0
        while len(content) - start >= LENGTH.size:
            end = start + LENGTH.size + LENGTH.unpack_from(content, start)[0]
            if len(content) < end:
                return
            event = pickle.loads(content[start + LENGTH.size : end])  # noqa: S301  of our own job
            self._at += end - start
            start = end
            yield event
