"""The reference is what the code says, and nothing is missing from it."""

from __future__ import annotations

import re
import runpy
from importlib import import_module
from pathlib import Path

import pytest

import evoframe
from evoframe import plugin, testing
from evoframe.anatomy.rules import RULES
from evoframe.cli.main import COMMANDS
from evoframe.registry import load_registry
from evoframe.registry.checking import HOOKS, options
from evoframe.roles import ROLES
from evoframe.testing.catalogue import all_checks, anchor

DOCS = Path(__file__).parents[2] / "docs"
WRITER = runpy.run_path(str(DOCS / "generate.py"))
PAGES = WRITER["pages"]()

SEEN_BY_STRATEGIES = sorted(
    name
    for file in (DOCS.parent / "evoframe" / "roles").glob("*.py")
    for name in re.findall(r"from (evoframe\.kernel[\w.]*) import", file.read_text("utf-8"))
    if (DOCS.parent / f"{name.replace('.', '/')}.py").is_file()
    and not name.startswith("evoframe.kernel.tensors.")
)
"""The modules whose values appear in the signatures of roles; not what is done to tensors."""


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_as_it_would_be_written_now(name: str) -> None:
    """Run `make docs` after a change of a docstring, an option or a command."""
    written = (DOCS / "reference" / name).read_text("utf-8")

    assert PAGES[name] == written, f"docs/reference/{name} is out of date: run `make docs`"


def test_nothing_is_missing() -> None:
    """Every hook, role, value, option, command and check has its place."""
    offered = set(evoframe.__all__) - {"CONTRACT", "__version__", "EvoframeError"}
    assert offered == {name for names in WRITER["PYTHON"].values() for name in names}
    headings = {
        name: [x for x in text.split("\n") if x.startswith("## ")] for name, text in PAGES.items()
    }
    assert [f"## {hook}" for hook in HOOKS] == headings["hooks.md"]
    assert [f"## {role.class_name}" for role in ROLES.values()] == headings["roles.md"][1:]
    assert all(f"`{name}`" in PAGES["plugin.md"] for name in plugin.__all__)
    assert [f"## evoframe {name}" for name in COMMANDS] == headings["cli.md"]
    assert [f"## {check.name}" for check in all_checks()] == headings["checks.md"]
    assert [f"## {name}" for name in testing.__all__] == headings["testing.md"]
    assert set(SEEN_BY_STRATEGIES) <= {f"evoframe.kernel.{name}" for name in WRITER["VALUES"]}
    for name in SEEN_BY_STRATEGIES:
        for value, _ in WRITER["public"](import_module(name)):
            assert f"\n### {value}\n" in PAGES["values.md"]
    assert all(f"`{name}`" in PAGES["operations.md"] for name in RULES)
    for offer in load_registry(entry_points=False).offers:
        assert f"## {offer.role} {offer.name}" in headings["options.md"]
        for option in options(offer.strategy):
            assert f"| {option.name} |" in PAGES["options.md"]


def test_what_a_failure_links_to_is_there() -> None:
    """The link is the last line of every message."""
    for check in all_checks():
        assert f'<a name="{anchor(check.name)}"></a>' in PAGES["checks.md"]
