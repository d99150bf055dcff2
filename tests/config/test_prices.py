"""Recipes stand beside what they cost, and figures of a recipe that has changed are none."""

from __future__ import annotations

import attrs
import pytest
from click.testing import CliRunner

from evoframe.cli import main
from evoframe.config import files
from evoframe.config.prices import digest_of, prices

RUNNABLE = {
    name: tables
    for name, text in files.built_in_recipes().items()
    if "missing" not in (tables := files.parse(text, name))["about"]
}


def test_every_recipe_has_a_price_and_nothing_else_has() -> None:
    """A note cannot be run, so it costs nothing."""
    assert prices().keys() == RUNNABLE.keys()


@pytest.mark.parametrize("name", RUNNABLE)
def test_figures_are_of_the_recipe_as_it_is_and_say_how_they_were_made(name: str) -> None:
    """After a change: `python benchmarks/prices.py NAME`."""
    price = prices()[name]

    assert price.recipe == digest_of(RUNNABLE[name])
    if not price.unmeasured:
        assert f"evolve --recipe {name} --seed {price.seed} " in price.command
        assert all(attrs.asdict(price, filter=attrs.filters.exclude("unmeasured", "seed")).values())
        assert price.version.startswith("evoframe ")


def test_a_digest_is_of_what_decides_a_run() -> None:
    """Words about a recipe may be better than they were; its figures stay."""
    tables = RUNNABLE["demo"]

    assert digest_of({**tables, "about": {"title": "other"}}) == digest_of(tables)
    assert digest_of({**tables, "run": {"generations": 7}}) != digest_of(tables)


def test_the_list_shows_the_figures_and_where_they_are_from() -> None:
    """Nobody has to look for a machine or a command."""
    said = CliRunner().invoke(main, ["recipes"]).output
    rows = {line.split()[0]: line for line in said.splitlines() if line.split()}

    for name, price in prices().items():
        if price.unmeasured:
            (line,) = [one for one in said.splitlines() if one.endswith(f": {price.unmeasured}")]
            assert name in line.partition(":")[0].split(", ")
        else:
            assert f"{price.cpu_seconds:.0f} s" in rows[name]
            assert f"{price.synapses:.1f}x" in rows[name]
            assert f"Measured on {price.machine}; {price.version}." in said
            assert price.command.replace(name, "NAME") in said
