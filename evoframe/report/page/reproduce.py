"""How to have the same again: recipe, seed, versions, command, and the digest to compare."""

from __future__ import annotations

import base64

import attrs

from evoframe.config import files
from evoframe.config.naming import IN_SESSION
from evoframe.report.page.facts import Facts

NAMES = {
    "evoframe": "evoframe",
    "contract": "contract of strategies",
    "python": "Python",
    "torch": "torch",
    "numpy": "NumPy",
    "device": "device",
}
"""What is on record of versions, with words."""


@attrs.frozen
class Reproduce:
    """How to have the same run again.

    Attributes:
        recipe: the resolved recipe as TOML.
        link: the same as an address, to be saved.
        commands: what to type.
        rows: versions and what else decides, name and value.
        notes: what to know.
    """

    recipe: str
    link: str
    commands: tuple[str, ...]
    rows: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]


def reproduce(facts: Facts) -> Reproduce:
    """Return all that is needed to have a run again, and to see that it is the same."""
    text = files.write(facts.tables)
    packed = base64.b64encode(text.encode()).decode()
    rows = [("seed", str(facts.options.seed)), ("digest", facts.run.digest())]
    rows += [
        (words, str(facts.recorded[name]))
        for name, words in NAMES.items()
        if name in facts.recorded
    ]
    rows += [
        (f"{entry}", str(version))
        for entry, version in facts.recorded.get("strategies", {}).items()
    ]
    return Reproduce(
        recipe=text,
        link=f"data:application/toml;base64,{packed}",
        commands=_commands(facts),
        rows=tuple(rows),
        notes=tuple(_notes(facts)),
    )


def _in_session(facts: Facts) -> list[str]:
    """Return the tables whose strategies were made in Python."""
    return [
        name
        for name, value in facts.tables.items()
        for entry in (value if isinstance(value, list) else [value])
        if isinstance(entry, dict) and entry.get("use") == IN_SESSION
    ]


def _commands(facts: Facts) -> tuple[str, ...]:
    if mine := _in_session(facts):
        given = ", ".join(f"{name}=..." for name in dict.fromkeys(mine))
        return (f'evoframe.evolve({given}, recipe="recipe.toml", out="again")',)
    return (
        "evoframe evolve --recipe recipe.toml --out again",
        "evoframe show again --json",
    )


def _notes(facts: Facts) -> list[str]:
    found = [
        (
            "Save the recipe as recipe.toml. With the same versions on the same kind of device the "
            f"digest comes out as {facts.run.digest()}: every weight and every figure is then the "
            "same, bit by bit."
        )
    ]
    if mine := _in_session(facts):
        found.append(
            f"{', '.join(dict.fromkeys(mine))}: made in a Python session and in no file. Hand over "
            "the same again, and take the tables of that name out of the recipe."
        )
    if facts.ending is None:
        found.append(f"The run is continued by evoframe resume {facts.run.path}.")
    return found
