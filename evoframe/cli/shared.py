"""Shared: options that several commands have, so that they are called and read alike."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

Decorator = Callable[[Any], Any]
"""What gives an option to the function of a command."""

recipe: Decorator = click.option(
    "--recipe", metavar="NAME|FILE", help="recipe, see `evoframe recipes`"
)

task: Decorator = click.option(
    "--task", metavar="NAME|REF", help="task, or your own as file.py:Name or module:Name"
)

plugins: Decorator = click.option(
    "-p",
    "--plugin",
    "plugins",
    multiple=True,
    metavar="FILE|MODULE|no:NAME",
    help="load a plugin that is not installed, or skip an installed one",
)


def assignments(help_text: str) -> Decorator:
    """Return the option that sets options of a recipe; its help has examples for the command."""
    return click.option(
        "-o",
        "--option",
        "assignments",
        multiple=True,
        metavar="TABLE.OPTION=VALUE",
        help=help_text,
    )
