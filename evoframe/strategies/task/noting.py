"""Noting: what a function of outputs and targets was given, beside what it raised."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor

from evoframe.strategies.task.reading import described


@contextmanager
def noted(what: str, outputs: Any, targets: Any) -> Iterator[None]:
    """Add to what is raised inside that it came of a function, and what this was given.

    Kinds of errors stay as they are, since some of them are looked for, as of memory that is full.
    """
    try:
        yield
    except Exception as error:
        error.add_note(
            f"It came of {what}, which takes outputs and targets in this order and was given "
            f"{_kind(outputs)} and {_kind(targets)}"
        )
        raise


def _kind(value: Any) -> str:
    if not isinstance(value, Tensor):
        return described(value)
    return f"{str(value.dtype).removeprefix('torch.')} of {tuple(value.shape)}"
