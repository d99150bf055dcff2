"""Places: runs as arguments of commands, on a disk or at an address of fsspec."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click

ADDRESS = "evoframe.address"
"""Under which a command is told the address that it was given."""


class Place(click.ParamType):
    """The folder of a run that is only read; one at an address is copied, for the command alone."""

    name = "path"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Path:
        """Return the folder, or that of the copy."""
        from evoframe import remote

        if ctx is None or not remote.is_address(str(value)):
            return Path(value)
        stack = ExitStack()
        ctx.call_on_close(stack.close)
        ctx.meta[ADDRESS] = str(value)
        return stack.enter_context(remote.at_hand(str(value)))


def address() -> str | None:
    """Return the address that the command was given as its run; None if it was a path."""
    return click.get_current_context().meta.get(ADDRESS)
