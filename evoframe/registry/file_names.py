"""File names: how a Python file is called as a module, by which any process finds it."""

from __future__ import annotations

import re
import sys
from pathlib import Path

FROM_FILE = "evoframe.registry.from_file."
"""How the names of modules begin that were loaded from files."""

_CODE = re.compile(r"_([0-9a-f]+)_")


def module_name(path: Path) -> str:
    """Return the name of the module of a file; characters that no name has are spelled out."""
    return FROM_FILE + re.sub(r"[^A-Za-z0-9]", lambda found: f"_{ord(found[0]):x}_", str(path))


def path_of(name: str) -> Path:
    """Return the file of a module that has such a name."""
    spelled = name.removeprefix(FROM_FILE)
    return Path(_CODE.sub(lambda found: chr(int(found[1], 16)), spelled))


def reference_to(kind: type) -> str | None:
    """Return the reference by which another process finds a class; None if there is no way."""
    if "." in kind.__qualname__:  # inside a function or another class
        return None
    module = sys.modules.get(kind.__module__)
    file = getattr(module, "__file__", None)
    # Neither name means the same in another process; the path of the file does.
    if kind.__module__ == "__main__" or kind.__module__.startswith(FROM_FILE):
        return f"{Path(file).resolve()}:{kind.__qualname__}" if file else None
    return f"{kind.__module__}:{kind.__qualname__}"
