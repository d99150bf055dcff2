"""The reference is what the code says, and nothing is missing from it."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

from evoframe.cli.main import COMMANDS
from evoframe.registry import load_registry
from evoframe.registry.checking import HOOKS, options
from evoframe.roles import ROLES
from evoframe.testing.catalogue import all_checks, anchor

DOCS = Path(__file__).parents[2] / "docs"
PAGES = runpy.run_path(str(DOCS / "generate.py"))["pages"]()


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_as_it_would_be_written_now(name: str) -> None:
    """Run `make docs` after a change of a docstring, an option or a command."""
    written = (DOCS / "reference" / name).read_text("utf-8")

    assert PAGES[name] == written, f"docs/reference/{name} is out of date: run `make docs`"


def test_nothing_is_missing() -> None:
    """Every hook, role, option, command and check has its place."""
    headings = {
        name: [x for x in text.split("\n") if x.startswith("## ")] for name, text in PAGES.items()
    }
    assert [f"## {hook}" for hook in HOOKS] == headings["hooks.md"]
    assert [f"## {role.__name__}" for role in ROLES.values()] == headings["roles.md"][1:]
    assert [f"## evoframe {name}" for name in COMMANDS] == headings["cli.md"]
    assert [f"## {check.name}" for check in all_checks()] == headings["checks.md"]
    for offer in load_registry(entry_points=False).offers:
        assert f"## {offer.role} {offer.name}" in headings["options.md"]
        for option in options(offer.strategy):
            assert f"| {option.name} |" in PAGES["options.md"]


def test_what_a_failure_links_to_is_there() -> None:
    """The link is the last line of every message."""
    for check in all_checks():
        assert f'<a name="{anchor(check.name)}"></a>' in PAGES["checks.md"]
