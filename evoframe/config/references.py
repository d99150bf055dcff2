"""Strategies by reference: ``path/to/file.py:Name`` or ``package.module:Name``."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

from evoframe.errors import ConfigError, EvoframeError, close_match
from evoframe.markers import PROJECT
from evoframe.registry.loading import import_plugin
from evoframe.roles import ROLES, Strategy


def is_reference(use: str) -> bool:
    """Tell a reference from a strategy's name (or ``plugin:name``)."""
    place, _, name = use.rpartition(":")
    # "plugin:my-name" has a hyphen, which no name in Python has.
    return bool(place) and name.isidentifier() and (place.endswith(".py") or "-" not in name)


def resolve(use: str, role: str) -> type[Strategy] | Strategy:
    """Return the class, or the ready value, that a reference names.

    A function without arguments is called, and must return a value.

    Raises:
        ConfigError: the file, the module or the name does not exist, or is no such strategy, or
            the function raised something.
    """
    found = named(use)
    if inspect.isfunction(found):
        found = _called(found, use)
    base = ROLES[role].base
    if not (inspect.isclass(found) and issubclass(found, base)) and not isinstance(found, base):
        raise ConfigError(
            f"{use} is {found!r}; wanted a {role}: a class derived from evoframe.plugin."
            f"{base.__name__}, such a value, or a function that returns one."
        )
    return found


def named(use: str) -> Any:
    """Whatever a reference names.

    Raises:
        ConfigError: the file, the module or the name does not exist.
    """
    place, _, name = use.rpartition(":")
    module = import_plugin(place)
    if not hasattr(module, name):
        names = [n for n in vars(module) if not n.startswith("_")]
        raise ConfigError(f"{place} has no {name!r}.{close_match(name, names)}")
    return getattr(module, name)


def absolute(use: str, folder: Path) -> str:
    """Return a reference to a file with its path made absolute from a folder."""
    place, colon, name = use.rpartition(":")
    return f"{file_from(place, folder)}:{name}" if colon else use


def plain(use: Any) -> Any:
    """Return a strategy's name without the qualifier of those that come with evoframe."""
    place, _, name = use.rpartition(":") if isinstance(use, str) else ("", "", use)
    return name if place == PROJECT or place.startswith(f"{PROJECT}.strategies.") else use


def is_file(name: Any) -> bool:
    """Tell the path of a Python file from the name of a module, or of a plugin that is blocked."""
    return isinstance(name, str) and name.endswith(".py") and not name.startswith("no:")


def file_from(name: Any, folder: Path) -> Any:
    """Return the path of a Python file made absolute from a folder; anything else as it is."""
    if is_file(name):
        return str((folder / Path(name).expanduser()).resolve())
    return name


def _called(function: Callable[[], Any], use: str) -> Any:
    try:
        return function()
    except (EvoframeError, KeyboardInterrupt):
        raise
    except BaseException as error:
        raise ConfigError(
            f"{use} raised {type(error).__name__}: {error}. Wanted: a function that takes nothing "
            "and returns a value."
        ) from error
