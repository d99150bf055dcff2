"""Mishaps: what goes wrong in somebody else's code is told in one line, with how to go on.

The line says whose life it was, which strategy of which distribution and version failed, and what
it raised. The traceback stands in the log.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType

from evoframe.errors import EvoframeError, MishapError, RunError, StillbornError
from evoframe.registry import load_registry
from evoframe.roles import Strategy
from evoframe.run.disk.logs import Log
from evoframe.run.disk.origins import origin
from evoframe.run.world import World

LESS_MEMORY = "Try smaller batches, or fewer processes."

LENGTH = 300
"""How many characters are told of what was raised; all of it is in the log."""


@contextmanager
def in_words(where: str, world: World, *, any_error: bool = True) -> Iterator[None]:
    """Run a block; what it raises is told in one line.

    Interruptions pass. ``sys.exit`` does not: a run that a task ends would look like a finished
    one.

    Args:
        where: whose life it is, or what else is being done.
        world: of the run.
        any_error: whether all that is raised is told so, or only what comes of a strategy that is
            not built in, or of too little memory.

    Raises:
        MishapError: the line.
        EvoframeError: as it was raised, with the same words around it.
    """
    try:
        yield
    except (KeyboardInterrupt, GeneratorExit, RunError, StillbornError):
        raise
    except EvoframeError as error:
        # One that names a strategy itself is told in full by whoever has the recipe.
        if any_error and not hasattr(error, "entry"):
            error.args = (f"{where}: {error}{_how(world)}",)
        raise
    except BaseException as error:
        strategy = _strategy_in(error.__traceback__)
        foreign = strategy is not None and not type(strategy).__module__.startswith("evoframe.")
        if not (any_error or foreign or isinstance(error, SystemExit) or is_of_memory(error)):
            raise
        raise MishapError(_line(where, strategy, error, world), trace_of(error)) from error


@contextmanager
def logged(log: Log) -> Iterator[None]:
    """Run a block; what went wrong in it stands in the log with its traceback."""
    try:
        yield
    except MishapError as error:
        log.in_full("failed", reason=str(error), traceback=error.trace)
        raise


def _line(where: str, strategy: Strategy | None, error: BaseException, world: World) -> str:
    who = "" if strategy is None else f"{_named(strategy, world)} "
    said = " ".join(f"{type(error).__name__}: {error}".split())[:LENGTH].rstrip(": .")
    advice = f" {LESS_MEMORY}" if is_of_memory(error) else ""
    return f"{where}: {who}raised {said}.{advice}{_how(world)}"


def _how(world: World) -> str:
    path = world.folder.path
    if not world.folder.journal.exists():
        return ""
    return f" Continue with `evoframe resume {path}`; the traceback is in {path / 'log.jsonl'}."


def _named(strategy: Strategy, world: World) -> str:
    """Return a strategy in words: its role and name, and where it comes from, in which version."""
    try:
        place = origin(type(strategy), load_registry(world.recipe.run.plugins)).with_version
    except Exception:  # noqa: BLE001  what failed must be told, whatever else is broken
        place = f"{type(strategy).__qualname__} of {type(strategy).__module__}"
    return f"{strategy.role} {strategy.name!r} ({place})"


def _strategy_in(trace: TracebackType | None) -> Strategy | None:
    """Return the strategy whose code was running, the innermost one; None if there was none."""
    found = None
    while trace is not None:
        held = trace.tb_frame.f_locals.get("self")
        found = held if isinstance(held, Strategy) else found
        trace = trace.tb_next
    return found


def is_of_memory(error: BaseException | None) -> bool:
    """Tell whether too little memory was what went wrong."""
    return (
        isinstance(error, MemoryError)
        or "out of memory" in str(error).lower()
        or ("can't allocate memory" in str(error))
    )


def trace_of(error: BaseException) -> str:
    """Return an error with its traceback, as Python would print it."""
    return "".join(traceback.format_exception(error))
