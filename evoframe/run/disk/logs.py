"""Logs: structlog events, as JSON lines in the run folder and in words on stderr."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import structlog

from evoframe.errors import RunError


class Log:
    """Writes every event to the run's file; people see warnings, and more if they ask."""

    def __init__(self, file: Any, log_level: str) -> None:
        stamp = structlog.processors.TimeStamper(fmt="iso", utc=True)
        self._file = structlog.wrap_logger(
            # A line is written in one piece, and line
            # buffering hands it on: a kill tears none apart.
            structlog.WriteLogger(file),
            processors=[
                structlog.processors.add_log_level,
                stamp,
                structlog.processors.JSONRenderer(default=str),
            ],
        )
        self._person = structlog.wrap_logger(
            structlog.PrintLogger(sys.stderr),
            processors=[
                structlog.processors.add_log_level,
                structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty()),
            ],
            wrapper_class=structlog.make_filtering_bound_logger(log_level),
        )

    def warnings(self, sentences: Iterable[str]) -> None:
        """Record several things that a person should know."""
        for words in sentences:
            self.warning(words)

    def in_full(self, event: str, **facts: Any) -> None:
        """Record an error with all that is known of it; people are told of it in a line."""
        self._file.error(event, **facts)

    def info(self, event: str, **facts: Any) -> None:
        """Record something that happened as it should."""
        self._file.info(event, **facts)
        self._person.info(event, **facts)

    def warning(self, event: str, **facts: Any) -> None:
        """Record something that a person should know."""
        self._file.warning(event, **facts)
        self._person.warning(event, **facts)


@contextmanager
def open_log(path: Path, log_level: str = "warning") -> Iterator[Log]:
    """Append to the log of a run.

    Args:
        path: the file of JSON lines.
        log_level: what people see on stderr: ``debug``, ``info``, ``warning`` or ``error``.

    Raises:
        RunError: the file cannot be written.
    """
    try:
        file = path.open("a", encoding="utf-8", buffering=1)
    except OSError as error:
        raise RunError(f"the log {path} cannot be written: {error}") from error
    with file:
        yield Log(file, log_level)
