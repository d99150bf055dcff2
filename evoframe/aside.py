"""Aside: what is written beside its place, and then there as a whole or not at all."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def written_aside(path: Path) -> Iterator[Path]:
    """Give a new path beside a file or a folder, and what is written there the place of that.

    Nothing is replaced unless the block ends well. What stood there before is removed last: who
    is killed between leaves the old beside the new, under a name that begins with ``.old-``.

    Args:
        path: of the file or folder; its parents are made.

    Raises:
        OSError: it cannot be put there; what stood there is there again.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # On the same file system, so that it appears by one rename; by a name that none has, as a
    # neighbour may have any other.
    mark = secrets.token_hex(4)
    aside = path.with_name(f".new-{mark}-{path.name}")
    try:
        yield aside
        _put(aside, path, path.with_name(f".old-{mark}-{path.name}"))
    finally:
        with suppress(OSError):
            _remove(aside)


def _put(aside: Path, path: Path, old: Path) -> None:
    if not path.is_dir():
        aside.replace(path)  # of files the system does it in one step
        return
    path.rename(old)
    try:
        aside.rename(path)
    except OSError:
        old.rename(path)
        raise
    _remove(old)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
