"""The format number of the files of a run: which of them this version reads, and which it writes.

One number for all of them. ``run.toml`` says it in its table ``[record]``, the journal in SQLite's
``user_version``, genotypes and checkpoints in the metadata of their safetensors. Files without a
number are of format 0, from before there were any.

A file of an earlier format is read: shown, exported, and never written to. A file of a later format
is refused, because whatever is new in it might be what matters.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from evoframe.errors import DamagedError, LaterFormatError, RunError

# Raise it when a file that this version writes could be misread by the version before, or lacks
# what that one needs: a column, a table or a field that is new, gone, or of another meaning.
# Not for a new strategy, option, metric or cost: those are named where they stand. Nor for notes
# and states, which are facts: whoever wrote them fails by name in a version that has none.
# Whoever raises it
#   * keeps reading every earlier format (`tests/run/stored` has runs of each),
#   * stores a run of the new one: `python tests/run/stored/make.py`,
#   * says below what is new in it.
#
# 0: run.toml, a journal of individuals, events and facts, genotypes; without numbers.
# 1: numbers; fingerprints of the survey and of strategies in run.toml.
FORMAT = 1
"""What this version writes, and the latest that it reads."""


def number(said: Any, path: Path) -> int:
    """Return the format of a file, from what it says of it; 0 if it says nothing.

    Args:
        said: a whole number, or the text of one; None if there is nothing.
        path: the file.

    Raises:
        DamagedError: it says something else.
    """
    try:
        found = int(said or 0)
    except (TypeError, ValueError):
        found = -1
    if found < 0:
        raise DamagedError(f"{path} is damaged: its format is {said!r}; wanted a whole number.")
    return found


def require_readable(found: int, path: Path) -> None:
    """Refuse a file of a later format.

    Raises:
        LaterFormatError: which it has, and which are read here.
    """
    if found > FORMAT:
        raise later(path, f"has format {found}")


def require_writable(found: int, path: Path) -> None:
    """Refuse to add to a file of another format than the one that is written here.

    Raises:
        LaterFormatError: it is of a later one.
        RunError: it is of an earlier one.
    """
    require_readable(found, path)
    if found < FORMAT:
        raise RunError(
            f"{path} has format {found}, which this version of evoframe reads but does not write; "
            f"it writes format {FORMAT}. Continue with the version that began the "
            "run, or start a new "
            "one; `evoframe show` and `evoframe export` work."
        )


def later(path: Path, sign: str) -> LaterFormatError:
    """Return the error of a file in which something shows that its format is a later one."""
    return LaterFormatError(
        f"{path} {sign}: a later version of evoframe wrote it, and this one reads formats up to "
        f"{FORMAT}. Nothing was changed. Try the version that wrote it, or a newer one."
    )
