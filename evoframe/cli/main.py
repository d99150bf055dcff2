"""The group of commands, found by name and imported only when called for."""

from __future__ import annotations

import atexit
import gc
import io
import sys
from copy import copy
from importlib import import_module
from typing import Any

import click

from evoframe.errors import EvoframeError
from evoframe.undisturbed import undisturbed
from evoframe.version import __version__

COMMANDS = {
    "evolve": "evolve a network (the main command)",
    "resume": "resume an interrupted run",
    "compare": "compare recipes at equal training budget",
    "show": "show the individuals of a run",
    "watch": "watch a run in progress",
    "report": "write a run as one HTML page",
    "shrink": "prune a trained network in one cut, without a run",
    "latency": "measure a network's layers, for latency budgets",
    "inspect": "show what can be removed from a network, and what cannot and why",
    "export": "export a network for use elsewhere",
    "strategies": "list strategies, or show the options of one",
    "new": "create a plugin from a template",
    "check": "check whether a plugin fulfils its contract",
    "plugins": "list plugins, including those that failed to load",
    "recipes": "list recipes, or show one",
}
"""Every command with its one-line help, in the order in which people need them."""


class Refused(click.ClickException):
    """Something evoframe refused: printed in one line, exit code 2."""

    exit_code = 2


class _Lazy(click.Group):
    """A group whose commands are imported when they are called, so that help is quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"evoframe.cli.{cmd_name}").command
        return _importing(command)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def invoke(self, ctx: click.Context) -> Any:
        for stream in (sys.stdout, sys.stderr):  # a terminal that cannot show ± shows ?
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="replace")
        try:
            return super().invoke(ctx)
        except EvoframeError as error:
            raise Refused(str(error)) from error


def _importing(command: click.Command) -> click.Command:
    """Return a command that imports torch first, if nobody has."""
    called = command.callback

    def call(*given: Any, **named: Any) -> Any:
        if "torch" not in sys.modules:
            _import_torch()
        assert called is not None
        return called(*given, **named)

    found = copy(command)
    found.callback = call
    return found


def _import_torch() -> None:
    """Import torch into a process that is a command's own.

    It makes half a million objects that stay until the end. To look for garbage among them again
    and again, and once more at the end, would take longer than to import it.
    """
    with undisturbed():
        import_module("torch")
    gc.freeze()
    atexit.register(gc.freeze)


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="evoframe")
def main() -> None:
    """Evolve trained networks into far smaller ones.

    Start with `evoframe evolve --recipe demo`.
    """
