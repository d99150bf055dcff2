"""Screen: where commands print tables."""

from __future__ import annotations

from rich.console import Console

WIDE = 1_000
"""Characters that a table may take: on a narrower screen a line goes on below, and none is cut."""


def screen() -> Console:
    """A console on which no figure is cut, however narrow the terminal is."""
    return Console(soft_wrap=True, highlight=False, width=WIDE)


def columns() -> int:
    """How many characters fit into a line of the terminal; 80 where there is none."""
    return Console().width
