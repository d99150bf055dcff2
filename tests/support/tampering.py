"""Files of a run with something changed in them, at random."""

from __future__ import annotations

import math
import random
import sqlite3
import tomllib
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import tomli_w
import torch
from safetensors.torch import load, save

from evoframe.roles import ROLE_TABLES
from evoframe.run.disk.database import TABLES

VALUES = (None, "", "{", "[]", "[[" * 999, -1, 2**62, 1e308, b"\xff", "g2s0", "9" * 999)
"""What a column may come to hold."""

WORDS = (
    "",
    "-1",
    "1e308",
    "nan",
    "[[[",
    '"x"',
    "true",
    "{}",
    "9" * 30,
    "[run]",
    "use",
    "é",
    "\x00",
)
"""What a text may come to hold."""


def tampered(content: bytes, dice: random.Random) -> bytes:
    """Return a file of tensors that is cut, has other tensors, or a few flipped bits."""
    kind = dice.randrange(4)
    if kind == 0:
        return content[: dice.randrange(len(content))]
    if kind == 1:
        return _with_another_tensor(content, dice)
    changed = bytearray(content)
    for _ in range(dice.randint(1, 3)):  # anywhere, or in the header
        changed[dice.randrange(len(changed) if kind == 2 else 300)] ^= 1 << dice.randrange(8)
    return bytes(changed)


def _with_another_tensor(content: bytes, dice: random.Random) -> bytes:
    tensors = load(content)
    names = [
        one for one in sorted(tensors) if tensors[one].ndim and tensors[one].dtype != torch.bool
    ]
    changes: list[Callable[[torch.Tensor], torch.Tensor]] = [
        lambda one: one[:-1], lambda one: one.flip(0), lambda one: -one, lambda one: one * 0 + 1,
    ]  # fmt: skip
    if names:
        name = dice.choice(names)
        tensors[name] = dice.choice(changes)(tensors[name]).contiguous()
    return save(tensors)


def fuzzed_journal(known: bytes, to: Path, dice: random.Random) -> None:
    """Write a journal with other bytes, or another value in some row."""
    content = bytearray(known)
    if dice.random() < 0.5:
        for _ in range(dice.randint(1, 40)):
            content[dice.randrange(len(content))] = dice.randrange(256)
        to.write_bytes(content if dice.random() < 0.8 else content[: dice.randrange(len(content))])
        return
    to.write_bytes(content)
    with closing(sqlite3.connect(to, isolation_level=None)) as base, suppress(sqlite3.Error):
        if dice.random() < 0.5:  # as of a version that wrote no checksums
            base.execute("DELETE FROM facts WHERE name LIKE 'checksum of %'")
        table, column = dice.choice([(name, one) for name, all_ in TABLES.items() for one in all_])
        where = f"rowid = {dice.randint(1, 4)}"
        base.execute(f"UPDATE {table} SET {column} = ? WHERE {where}", (dice.choice(VALUES),))


def fuzzed_text(known: str, dice: random.Random) -> str:
    """Return a text with other characters, or other words in some lines."""
    lines = known.splitlines()
    for _ in range(dice.randint(1, 3)):
        place = dice.randrange(len(lines))
        name, equals, _ = lines[place].partition("=")
        if equals and dice.random() < 0.7:
            lines[place] = f"{name}= {dice.choice(WORDS)}"
        else:
            lines.insert(place, dice.choice([*WORDS, dice.choice(lines)]))
    return "\n".join(lines)


def fuzzed_recipe(known: str, dice: random.Random) -> str:
    """Return a recipe with an option that is there, or is not, set to something."""
    tables = tomllib.loads(known)
    name = dice.choice([*ROLE_TABLES, "run", "anatomy", "nothing"])
    held = tables.setdefault(name, dice.choice([{}, [], {"use": "none"}]))
    entry = dice.choice(held) if isinstance(held, list) and held else held
    options = ["use", "seed", "threads", "epochs", "generations", "retention", "trials", "keep"]
    if isinstance(entry, dict):
        value = dice.choice(
            [0, -1, 10**18, 2**63, 1e308, math.nan, "", "x.py:Y", True, [], {}, ["a"]]
        )
        entry[dice.choice([*options, *entry])] = value
    return tomli_w.dumps(tables)
