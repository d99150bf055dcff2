"""Neighbours: the modules beside a file, which it may import as a script may."""

from __future__ import annotations

import importlib
import sys
import types
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FOLDER = "__evoframe_neighbour__"
"""What a module holds that was found beside a file: the folder."""


@contextmanager
def beside(folder: Path) -> Iterator[None]:
    """Search a folder first while a file in it is read, as Python does for a script.

    Files of several folders may have neighbours of one name: each gets its own, and afterwards
    neither is found by that name, because it could be taken for the other.
    """
    aside = {name: one for name, one in _neighbours().items() if vars(one)[FOLDER] != str(folder)}
    for name in aside:
        del sys.modules[name]
    before = set(sys.modules)
    sys.path.insert(0, str(folder))
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        for name in set(sys.modules) - before:
            if _stands_in(folder, name):
                vars(sys.modules[name])[FOLDER] = str(folder)
        for name, module in aside.items():
            if sys.modules.setdefault(name, module) is not module:
                del sys.modules[name]


def files_beside(file: Path) -> list[Path]:
    """The files of all neighbours that files in the same folder have imported, in order."""
    held = [one for one in _neighbours().values() if vars(one)[FOLDER] == str(file.parent)]
    found = {Path(name) for one in held if (name := getattr(one, "__file__", None))}
    return sorted(found - {file})


def _neighbours() -> dict[str, types.ModuleType]:
    return {name: one for name, one in list(sys.modules.items()) if FOLDER in _held(one)}


def _stands_in(folder: Path, name: str) -> bool:
    """Tell whether a module, or the package that it is part of, stands directly in a folder."""
    top = sys.modules.get(name.partition(".")[0])
    file = getattr(top, "__file__", None)
    if file is None:
        return any(Path(place).resolve().parent == folder for place in getattr(top, "__path__", ()))
    home = Path(file).resolve()
    return folder == (home.parent.parent if home.name == "__init__.py" else home.parent)


def _held(module: object) -> dict[str, object]:
    return vars(module) if isinstance(module, types.ModuleType) else {}
