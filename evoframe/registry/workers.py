"""Workers: other processes find what was loaded from a file, by the name that it has here.

Whoever starts a process and sends a function there sends its module's name. A process that was
spawned by ``multiprocessing`` is told of ``sys.path`` and of nothing else, so a folder on it has a
small module for each file that was loaded, which loads it again.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from atexit import register
from functools import cache
from pathlib import Path

SHIM = """\
import sys

from evoframe.registry.loading import import_plugin

del sys.modules[__name__]  # this module: the one that is loaded takes its place
import_plugin({path!r})
"""


def announce(name: str, path: Path) -> None:
    """Let processes that are started later find a file under the name of its module."""
    (_folder() / f"{name}.py").write_text(SHIM.format(path=str(path)), "utf-8")


@cache
def _folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="evoframe-files-"))
    register(shutil.rmtree, folder, ignore_errors=True)
    # At the end, since nothing else is to be found there first.
    sys.path.append(str(folder))
    return folder
