"""File names: how a Python file is called as a module, by which any process finds it."""

from __future__ import annotations

import re
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
