"""At hand: runs as arguments of commands, on a disk or at an address of fsspec."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import click

from evoframe import remote


def at_hand(where: str) -> Path:
    """Return the folder of a run that a command only reads; one at an address is copied.

    The copy goes with the command.
    """
    stack = ExitStack()
    click.get_current_context().call_on_close(stack.close)
    return stack.enter_context(remote.at_hand(where))
