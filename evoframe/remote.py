"""Remote: folders at addresses of fsspec, as ``s3://bucket/run``, copied here and there.

A run itself works on a disk, with SQLite's locks and fsync; no address has either.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

from evoframe.errors import ConfigError, RunError

PASSING = ("lives/", "waiting/", "lock.sqlite", "away.sqlite", ".new-")
"""How names begin of what is of use only where the run goes on."""


def is_address(text: str) -> bool:
    """Tell whether a text is an address, and no path."""
    return "://" in text


class Remote:
    """A folder at an address."""

    def __init__(self, address: str) -> None:
        """Find who knows such addresses; nothing is read yet.

        Raises:
            ConfigError: nobody does, or the package for it is not installed.
        """
        try:
            import fsspec.core

            self._files, self._root = fsspec.core.url_to_fs(address)
        except ImportError as error:
            raise ConfigError(
                f"{address} cannot be used without another package: {error}. "
                "Try `pip install` with the package that it names, or fsspec."
            ) from error
        # Each store has errors of its own, of which fsspec knows nothing.
        except Exception as error:
            raise ConfigError(
                f"{address} is no address that fsspec knows: {_said(error)}. "
                "Wanted one as in s3://bucket/run or file:///disk/run."
            ) from error
        self.address = address

    def sizes(self) -> dict[str, int]:
        """Return the sizes of all files, by their paths in the folder; none if it is not there.

        Raises:
            RunError: it cannot be listed, or a name leads out of it.
        """
        with self._told("listed"):
            self._files.invalidate_cache()
            found: dict[str, Any] = self._files.find(self._root, detail=True)
        root = self._root.rstrip("/") + "/"
        inside = {name.removeprefix(root): one for name, one in found.items()}
        for name in inside:
            parts = PurePosixPath(name).parts
            if not parts or ".." in parts or PurePosixPath(name).is_absolute() or "\\" in name:
                raise RunError(
                    f"{self.address} holds a file named {name!r}, which leads out of it."
                )
        return {name: int(one.get("size") or 0) for name, one in inside.items()}

    def put(self, file: Path, name: str) -> None:
        """Write a file of the folder.

        Raises:
            RunError: it cannot be written.
        """
        with self._told("written to"):
            if not self._is_disk():
                self._files.pipe_file(self._at(name), file.read_bytes())
                return
            # A store takes an object as a whole; a disk does not, and has folders.
            path = PurePosixPath(self._at(name))
            aside = str(path.with_name(f".new-{path.name}"))
            self._files.makedirs(str(path.parent), exist_ok=True)
            self._files.pipe_file(aside, file.read_bytes())
            self._files.mv(aside, str(path))

    def get(self, name: str, file: Path) -> None:
        """Copy a file of the folder to a disk.

        Raises:
            RunError: it cannot be read, or there is no room.
        """
        with self._told("read"):
            file.parent.mkdir(parents=True, exist_ok=True)
            self._files.get_file(self._at(name), str(file))

    def _is_disk(self) -> bool:
        protocol = self._files.protocol
        return "file" in ((protocol,) if isinstance(protocol, str) else protocol)

    def _at(self, name: str) -> str:
        return f"{self._root.rstrip('/')}/{name}"

    @contextmanager
    def _told(self, done: str) -> Iterator[None]:
        try:
            yield
        except RunError:
            raise
        except Exception as error:
            raise RunError(f"{self.address} cannot be {done}: {_said(error)}.") from error


def _said(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split()).rstrip(": .")


def fetched(address: str, folder: Path) -> None:
    """Copy the run at an address into a folder; its record is the last file that is copied.

    Raises:
        ConfigError: it is no address.
        RunError: there is no run, or it cannot be read.
    """
    remote = Remote(address)
    names = [one for one in remote.sizes() if not one.startswith(PASSING) and "/.new-" not in one]
    if "run.toml" not in names:
        raise RunError(f"there is no run at {address}: no file run.toml.")
    for name in sorted(names, key=lambda one: one == "run.toml"):
        remote.get(name, folder / name)


def brought(folder: Path, address: str) -> None:
    """Copy a folder to an address.

    Raises:
        ConfigError: it is no address.
        RunError: it cannot be written.
    """
    remote = Remote(address)
    for file in sorted(one for one in folder.rglob("*") if one.is_file()):
        remote.put(file, file.relative_to(folder).as_posix())


@contextmanager
def at_hand(where: str) -> Iterator[Path]:
    """Give the folder of a run; of one at an address, a copy that goes with the block."""
    if not is_address(where):
        yield Path(where)
        return
    with tempfile.TemporaryDirectory(prefix="evoframe-") as copy:
        folder = Path(copy) / (PurePosixPath(where).name or "run")
        fetched(where, folder)
        yield folder
