"""The front of the package is for its users: nothing inside comes in by it."""

from __future__ import annotations

import ast
from pathlib import Path

import evoframe

PACKAGE = Path(evoframe.__file__).parent


def imports_of_the_front(file: Path) -> list[str]:
    """Return what a file takes from ``evoframe`` itself, except its modules."""
    found = []
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names if alias.name == "evoframe"]
        elif isinstance(node, ast.ImportFrom) and node.module == "evoframe" and not node.level:
            names = [alias.name for alias in node.names]
            modules = {path.stem for path in PACKAGE.iterdir()}
            found += [name for name in names if name not in modules]
    return found


def test_nothing_inside_imports_the_front() -> None:
    """It would close a circle: the front offers what lies above everything else."""
    files = [file for file in PACKAGE.rglob("*.py") if file.parent != PACKAGE]
    found = {str(file): names for file in files if (names := imports_of_the_front(file))}

    assert len(files) > 100
    assert found == {}
