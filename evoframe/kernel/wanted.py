"""Wanted: what somebody gives by name in a call, refused in one line where it is of another kind.

Python turns True into 1, a text into letters and None into nothing, and what was meant shows late.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping
from numbers import Integral, Real
from pathlib import Path
from typing import Any

from torch import nn

from evoframe.errors import ConfigError, EvoframeError


def whole(name: str, value: Any, least: int | None = None) -> int:
    """Return a whole number, of NumPy's too.

    Args:
        name: of the argument.
        value: what was given.
        least: the smallest that will do; None for all.

    Raises:
        ConfigError: it is none, or too small.
    """
    fits = isinstance(value, Integral) and not isinstance(value, bool)
    if not fits or (least is not None and value < least):
        raise _unwanted(name, value, "a whole number" + ("" if least is None else f" from {least}"))
    return int(value)


def number(name: str, value: Any, above: float) -> float:
    """Return a finite number above another one, of NumPy's too.

    Raises:
        ConfigError: it is none, too small, or not finite.
    """
    fits = isinstance(value, Real) and not isinstance(value, bool)
    if not (fits and above < value < math.inf):
        raise _unwanted(name, value, f"a number above {above:g}")
    return float(value)


def truth(name: str, value: Any) -> bool:
    """Return True or False.

    Raises:
        ConfigError: it is neither.
    """
    if not isinstance(value, bool):
        raise _unwanted(name, value, "True or False")
    return value


def path(name: str, value: Any) -> Path:
    """Return a path.

    Raises:
        ConfigError: it is none.
    """
    if not isinstance(value, str | os.PathLike) or not isinstance(os.fspath(value), str):
        raise _unwanted(name, value, "a path")
    return Path(value)


def texts(
    name: str, value: Any, example: str, error: type[EvoframeError] = ConfigError
) -> tuple[str, ...]:
    """Return several texts.

    Args:
        name: of the argument.
        value: what was given.
        example: of one, for the message.
        error: what is raised.

    Raises:
        EvoframeError: it is one text, a mapping, or holds something else.
    """
    several = isinstance(value, Iterable) and not isinstance(value, str | bytes | Mapping)
    found = tuple(value) if several else ()
    if not several or not all(isinstance(one, str) for one in found):
        shown = [value] if isinstance(value, str) and value else [example]
        raise _unwanted(name, value, f"a list of texts, as in {shown}", error)
    return found


def module(name: str, value: Any) -> nn.Module:
    """Return a network.

    Raises:
        ConfigError: it is none.
    """
    if not isinstance(value, nn.Module):
        raise _unwanted(name, value, "a torch.nn.Module")
    return value


def _unwanted(
    name: str, value: Any, wanted: str, error: type[EvoframeError] = ConfigError
) -> EvoframeError:
    said = " ".join(repr(value).split())
    found = said if len(said) <= 60 else f"a {type(value).__name__}"
    return error(f"{name} is {found}; wanted {wanted}.")
