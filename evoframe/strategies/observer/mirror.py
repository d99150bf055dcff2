"""Mirror: after each generation, what is new in a run's folder is copied to an address.

The journal is copied last, as a whole, by SQLite: at any instant the mirror is a run that can be
read, and gone on with once it is copied back to a disk. Nothing is ever removed from it.
"""

from __future__ import annotations

import logging
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path
from typing import ClassVar

import attrs

from evoframe.errors import ConfigError, RunError
from evoframe.kernel.events import GenerationFinished, RunFinished, RunStarted
from evoframe.markers import hookimpl
from evoframe.remote import Remote, is_address
from evoframe.roles import Observer, doc

LOG = logging.getLogger(__name__)

RECORD, JOURNAL = "run.toml", "journal.sqlite"

CHANGING = ("log.jsonl", RECORD)
"""Files that become others as the run goes on; those of genotypes stay as they are."""


def _address(_: object, __: object, value: str) -> None:
    if not is_address(value):
        raise ValueError(f"address = {value!r}; wanted one as in s3://bucket/run")


@attrs.define(eq=False)
class _Way:
    """From where to where.

    Attributes:
        folder: of the run.
        remote: where its mirror is.
    """

    folder: Path = Path()
    remote: Remote | None = None


@attrs.frozen(eq=False)
class Mirror(Observer):
    """Copies new files of the run folder to an address, after each generation."""

    name: ClassVar[str] = "mirror"

    address: str = attrs.field(
        validator=_address,
        metadata=doc("fsspec address to copy to, e.g. s3://bucket/run"),
    )

    _way: _Way = attrs.field(factory=_Way, init=False, repr=False)

    @hookimpl
    def evoframe_run_started(self, event: RunStarted) -> None:
        """Refuse an address at which another run is."""
        self._way.folder, self._way.remote = Path(event.path), Remote(self.address)
        if not event.on_record and JOURNAL in self._way.remote.sizes():
            self._way.remote = None
            raise ConfigError(f"there is a run at {self.address} already; wanted another address.")

    @hookimpl
    def evoframe_generation_finished(self, event: GenerationFinished) -> None:
        """Copy what is new; what fails is told, and tried again after the next generation."""
        try:
            self._copy()
        except RunError as error:
            LOG.warning(
                "the mirror lacks generation %d: %s It is tried again after the next.",
                event.generation, error,
            )  # fmt: skip

    @hookimpl
    def evoframe_run_finished(self, event: RunFinished) -> None:
        """Copy what is new, how the run ended included."""
        self._copy()

    def _copy(self) -> None:
        folder, remote = self._way.folder, self._way.remote
        if remote is None:
            return
        there = remote.sizes()
        lasting = [*folder.glob("individuals/g*.safetensors"), *folder.glob("ancestor.safetensors")]
        for file in sorted(lasting):
            name = file.relative_to(folder).as_posix()
            if there.get(name) != file.stat().st_size:
                remote.put(file, name)
        for name in CHANGING:
            if (folder / name).exists():
                remote.put(folder / name, name)
        with tempfile.TemporaryDirectory(prefix="evoframe-") as aside:
            copy = Path(aside) / JOURNAL
            _back_up(folder / JOURNAL, copy)
            remote.put(copy, JOURNAL)


def _back_up(journal: Path, copy: Path) -> None:
    """Write a database as one whole file, whoever is writing it."""
    uri = f"{journal.resolve().as_uri()}?mode=ro"
    try:
        with closing(sqlite3.connect(uri, uri=True)) as base, closing(sqlite3.connect(copy)) as new:
            base.backup(new)
            new.execute("PRAGMA journal_mode=DELETE")
    except sqlite3.DatabaseError as error:
        raise RunError(f"{journal} cannot be copied: {error}.") from error
