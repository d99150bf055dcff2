"""The run folder: where everything lies, written so that a kill at any instant loses nothing."""

from __future__ import annotations

import os
import re
import secrets
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import attrs

from evoframe.errors import DamagedError, RunError, RunLockedError, close_match

NAME = re.compile(r"g[1-9][0-9]{0,17}s(0|[1-9][0-9]{0,17})")
"""What ids of individuals look like; they are names of files, and lead nowhere else."""

MOMENT = 0.2
"""Seconds for which a lock is waited for."""


@attrs.frozen
class RunFolder:
    """The paths of a run."""

    path: Path
    is_away: bool = False
    """Whether it is read from another machine, where the journal itself cannot be."""

    @property
    def recipe(self) -> Path:
        """The resolved recipe and the record of versions."""
        return self.path / "run.toml"

    @property
    def journal(self) -> Path:
        """The database of individuals and events."""
        return self.away if self.is_away else self.path / "journal.sqlite"

    @property
    def away(self) -> Path:
        """The copy of the journal for other machines, while a generation is lived there."""
        return self.path / "away.sqlite"

    @property
    def backup(self) -> Path:
        """The copy of the journal as it was after the last generation."""
        return self.path / "backup.sqlite"

    @property
    def ancestor(self) -> Path:
        """The second copy of the ancestor's genotype, which nobody could make again."""
        return self.path / "ancestor.safetensors"

    @property
    def log(self) -> Path:
        """What happened, one JSON object a line."""
        return self.path / "log.jsonl"

    def genotype(self, identity: str) -> Path:
        """Return the path at which the genotype of an individual is kept."""
        return self.path / "individuals" / f"{_checked(identity)}.safetensors"

    def checkpoint(self, identity: str) -> Path:
        """Return the path at which the life in flight of an individual is put down."""
        return self.path / "lives" / f"{_checked(identity)}.safetensors"

    def waiting(self, identity: str, what: str) -> Path:
        """Return the path at which a life that waits on a rung is kept."""
        return self.path / "waiting" / f"{_checked(identity)}.{what}.safetensors"

    def forget_waiting(self, identity: str) -> None:
        """Remove what is kept of a life that is over."""
        for path in (self.path / "waiting").glob(f"{_checked(identity)}.*.safetensors"):
            with suppress(OSError):
                path.unlink()

    def kept(self) -> list[Path]:
        """Return the files of genotypes and checkpoints that are there."""
        return sorted(
            path
            for one in (self.genotype("*"), self.checkpoint("*"))
            for path in one.parent.glob(one.name)
        )

    def exists(self) -> bool:
        """Tell whether there is a run here."""
        try:
            return self.recipe.is_file()
        except OSError as error:
            raise RunError(f"cannot read {self.path}: {error}") from error

    def create(self) -> None:
        """Make the folders.

        Raises:
            RunError: there is a run already, something else is in the way, or it is not allowed.
        """
        if self.exists():
            raise RunError(
                f"{self.path} already contains a run. Continue it with `evoframe resume "
                f"{self.path}`, "
                "or choose another folder with --out."
            )
        try:
            if self.path.exists() and self._foreign():
                raise RunError(
                    f"{self.path} exists and is not an evoframe run: it holds "
                    f"{', '.join(self._foreign()[:3])}. Name another folder with --out."
                )
            (self.path / "individuals").mkdir(parents=True, exist_ok=True)
            (self.path / "lives").mkdir(exist_ok=True)
        except OSError as error:
            raise RunError(f"the run folder {self.path} cannot be made: {error}") from error

    def require(self) -> None:
        """Refuse a path that holds no run.

        Raises:
            RunError: there is none.
        """
        if not self.exists():
            raise RunError(
                f"there is no run in {self.path}: no file {self.recipe.name}.{self._advice()}"
            )

    def _advice(self) -> str:
        """Return advice for a path without a run: a run beside it, else a new one."""
        with suppress(OSError):
            beside = [one for one in self.path.parent.iterdir() if (one / "run.toml").is_file()]
            if near := close_match(self.path.name, [one.name for one in beside]):
                return f"{near} It is beside it."
        if self.path.exists():
            return " Name the folder that --out named."
        return f" Start one with `evoframe evolve --recipe demo --out {self.path}`."

    def sweep(self) -> None:
        """Remove half-written files that a kill has left; to be called with the lock held."""
        for leftover in (*self.path.glob(".new-*"), *self.path.glob("*/.new-*")):
            with suppress(OSError):
                leftover.unlink()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the run for this process; the lock goes with the process, however it ends.

        Raises:
            RunLockedError: another process holds it.
            RunError: the folder is not writable.
        """
        # An exclusive transaction of SQLite is a file lock that works on every system.
        connection = None
        try:
            # The moment is for those who only look whether somebody holds it.
            lock = self.path / "lock.sqlite"
            connection = sqlite3.connect(lock, timeout=MOMENT, isolation_level=None)
            connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.DatabaseError as error:
            if connection is not None:
                connection.close()
            if "locked" in str(error):
                raise RunLockedError(
                    f"another process is working on {self.path}. Wait for it, or stop it first."
                ) from error
            raise RunError(f"the run folder {self.path} is not writable: {error}") from error
        try:
            yield
        finally:
            connection.close()

    def is_held(self) -> bool:
        """Tell whether a process is working on the run; nothing is written to find out."""
        lock = self.path / "lock.sqlite"
        if not lock.is_file():
            return False
        uri = f"{lock.resolve().as_uri()}?mode=ro"
        try:
            with closing(sqlite3.connect(uri, uri=True, timeout=0)) as connection:
                connection.execute("SELECT name FROM sqlite_master").fetchall()
        except sqlite3.OperationalError as error:
            return "locked" in str(error)
        return False

    def _foreign(self) -> list[str]:
        # All that a run may have made before its record:
        # killed then, it can be started again in place.
        ours = {"individuals", "lives", "lock.sqlite", "lock.sqlite-journal"}
        names = {entry.name for entry in self.path.iterdir()}
        return sorted(name for name in names - ours if not name.startswith(".new-"))


def _checked(identity: str) -> str:
    """Return an id, or the star for all of them; anything else might lead out of the folder."""
    if identity != "*" and not NAME.fullmatch(identity):
        raise DamagedError(f"{identity!r} is no id of an individual; wanted one as in g2s0.")
    return identity


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file so that it is either there as a whole or not at all, even after a power cut.

    Who may read it is decided by the umask, as of any other file.

    Raises:
        RunError: the disk is full or the folder not writable; nothing is left behind.
    """

    def put(aside: Path) -> None:
        with aside.open("xb") as file:
            file.write(content)

    put_atomically(path, put)


def put_atomically(path: Path, put: Callable[[Path], None]) -> None:
    """Do the same with a file that somebody else writes.

    Args:
        path: of the file.
        put: writes it at a path that it is given, or raises OSError.

    Raises:
        RunError: the disk is full or the folder not writable; nothing is left behind.
    """
    # In the same folder, because a rename is atomic only within one file system.
    aside = path.with_name(f".new-{path.stem}-{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        put(aside)
        put_in_place(aside, path)
    except OSError as error:
        with suppress(OSError):
            aside.unlink()
        raise RunError(
            f"{path} cannot be written: {error}. Finished work is safe; free some "
            "space and continue "
            f"with `evoframe resume`."
        ) from error


def put_in_place(aside: Path, path: Path) -> None:
    """Give a file that was written aside its name, so that it is there as a whole or not at all."""
    # Content before name: else a power cut could leave the name with nothing behind it.
    with aside.open("r+b") as file:
        os.fsync(file.fileno())
    aside.replace(path)
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """Make a rename durable; systems that cannot open folders do not need it."""
    with suppress(PermissionError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
