"""Proved: files whose digest this process has told since they were last written.

A digest of all weights takes as long as the draw of all synapses. Whoever writes a file knows its
digest already, and need not take it again from a file that nobody has touched since.
"""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

SETTLED = 1.0
"""Seconds after which a file that is written again has another time, on every system."""


class Print(NamedTuple):
    """What tells a file from what it was before somebody wrote it again."""

    device: int
    number: int
    size: int
    written: int
    changed: int

    @classmethod
    def of(cls, path: Path) -> Print:
        """Return that of a file."""
        found = path.stat()
        times = found.st_mtime_ns, found.st_ctime_ns
        return cls(found.st_dev, found.st_ino, found.st_size, *times)


_PROVED: dict[Path, tuple[Print, str]] = {}


def written(path: Path, digest: str) -> None:
    """Note the digest of a file that this process has just written."""
    _PROVED[path] = Print.of(path), digest


def read(path: Path, digest: str, before: Print) -> None:
    """Note the digest of a file that was read, unless somebody may just be writing it.

    Args:
        path: of the file.
        digest: of what was read.
        before: its print before it was read.
    """
    is_old = time.time_ns() - before.changed > SETTLED * 1e9
    with suppress(OSError):
        if is_old and Print.of(path) == before:
            _PROVED[path] = before, digest


def is_proved(path: Path, digest: str) -> bool:
    """Tell whether a file has a digest, and nobody has written it since that was found."""
    with suppress(OSError):  # it may just have gone
        return _PROVED.get(path) == (Print.of(path), digest)
    return False
