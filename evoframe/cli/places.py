"""Places: runs as arguments of commands, on a disk or at an address of fsspec."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import click

ADDRESS = "evoframe.address"
"""Under which a command is told the address that it was given."""


def place(context: click.Context, _parameter: click.Parameter, value: str) -> Path:
    """Return the folder of a run that is only read; one at an address is copied.

    The copy goes with the command.
    """
    from evoframe import remote

    if not remote.is_address(value):
        return Path(value)
    stack = ExitStack()
    context.call_on_close(stack.close)
    context.meta[ADDRESS] = value
    return stack.enter_context(remote.at_hand(value))


def is_remote() -> bool:
    """Tell whether the command was given an address as its run."""
    return ADDRESS in click.get_current_context().meta
