"""All that a plugin may import is in one place, and is what it is said to be."""

from __future__ import annotations

import ast
import inspect
import runpy
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from evoframe import plugin
from evoframe.registry import load_registry

WRITER = runpy.run_path(str(Path(__file__).parents[2] / "docs" / "generate.py"))


@pytest.mark.parametrize("name", plugin.__all__)
def test_every_name_is_there_and_described(name: str) -> None:
    """A name that nobody explains would be one to guess about."""
    assert getattr(plugin, name) is getattr(import_module(plugin.PLACES[name]), name)
    assert WRITER["first_line"](name)


def test_type_checkers_see_the_names_that_are_there() -> None:
    """They read imports, not tables, so both must say the same."""
    tree = ast.parse(inspect.getsource(plugin))
    seen = {
        alias.asname: node.module
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.asname == alias.name
    }

    assert seen == plugin.PLACES
    assert plugin.__all__ == sorted(seen) == dir(plugin)


def test_nothing_is_imported_before_it_is_used() -> None:
    """A plugin that offers an observer does not pay for torch."""
    code = "import sys, evoframe.plugin\nassert not {'torch', 'numpy'} & set(sys.modules)\n"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    with pytest.raises(ImportError):
        from evoframe.plugin import Nobody  # noqa: F401


def test_every_built_in_strategy_can_be_wrapped() -> None:
    """Whoever builds on one that comes with evoframe does not reach inside for it."""
    offered = {offer.strategy for offer in load_registry(entry_points=False).offers}

    assert offered <= {getattr(plugin, name) for name in plugin.__all__}
