"""Neighbours: the modules beside a file, which it may import as a script may.

Files of several folders may have neighbours of one name. Each gets its own while it is read, and
afterwards none of them is found by that name, because it could be taken for another: an import
inside a function then fails, and never gets what is not meant.
"""

from __future__ import annotations

import importlib
import sys
import types
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

KEPT = "evoframe_beside_"
"""How the second names of neighbours begin, of which each folder has its own."""


@contextmanager
def beside(folder: Path, read: Iterable[Path]) -> Iterator[None]:
    """Search a folder first while a file in it is read, as Python does for a script.

    Args:
        folder: where the file is.
        read: the folders of all files that have been read before.
    """
    _hide()
    sys.modules.update(_kept(folder))
    before = set(sys.modules)
    sys.path.insert(0, str(folder))
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        for name in set(sys.modules) - before:
            if _stands_in(folder, name):
                sys.modules[_second_name(folder, name)] = sys.modules[name]
        _hide()
        folders = {*read, folder}
        for home in folders:
            for name, module in _kept(home).items():
                if any(_has(other, name) for other in folders - {home}):
                    _rename_classes(module, name, _second_name(home, name))
                else:
                    sys.modules.setdefault(name, module)


def files_beside(file: Path) -> list[Path]:
    """The files of all neighbours that files in the same folder have imported, in order."""
    held = _kept(file.parent).values()
    found = {Path(name) for one in held if (name := getattr(one, "__file__", None))}
    return sorted(found - {file})


def _second_name(folder: Path, name: str) -> str:
    return f"{KEPT}{folder}:{name}"


def _kept(folder: Path) -> dict[str, types.ModuleType]:
    """The neighbours that were imported from a folder, by the names that they have there."""
    start = _second_name(folder, "")
    held = list(sys.modules.items())
    return {name.removeprefix(start): one for name, one in held if name.startswith(start)}


def _hide() -> None:
    """Take all neighbours from where imports look first."""
    known = {id(one) for name, one in sys.modules.items() if name.startswith(KEPT)}
    for name, one in list(sys.modules.items()):
        if id(one) in known and not name.startswith(KEPT):
            del sys.modules[name]


def _rename_classes(module: types.ModuleType, name: str, second: str) -> None:
    """Let classes say the name by which their module is found: annotations are looked up there."""
    for one in list(vars(module).values()):
        if isinstance(one, type) and one.__module__ == name:
            one.__module__ = second


def module_in_words(name: str) -> str:
    """The name that a module has in its folder."""
    return name.rpartition(":")[2] if name.startswith(KEPT) else name


def _stands_in(folder: Path, name: str) -> bool:
    """Tell whether a module, or the package that it is part of, stands directly in a folder."""
    top = sys.modules.get(name.partition(".")[0])
    file = getattr(top, "__file__", None)
    if file is None:
        return any(Path(place).resolve().parent == folder for place in getattr(top, "__path__", ()))
    home = Path(file).resolve()
    return folder == (home.parent.parent if home.name == "__init__.py" else home.parent)


def _has(folder: Path, name: str) -> bool:
    """Tell whether a folder has something that a module of this name would be found in."""
    top = name.partition(".")[0]
    return (folder / f"{top}.py").is_file() or (folder / top).is_dir()
