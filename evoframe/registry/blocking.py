"""Blocking: which of the installed plugins are loaded."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from importlib.metadata import EntryPoint

import attrs

from evoframe.errors import ConfigError, close_match, listing
from evoframe.markers import PROJECT

NO = "no:"
"""How a word begins that blocks a plugin, as in ``-p no:lottery``."""

VARIABLE = "EVOFRAME_PLUGINS"
"""The environment variable that names all installed plugins to load, or ``none``."""


@attrs.frozen
class Blocking:
    """Which installed plugins are not to be loaded.

    Attributes:
        names: those that are blocked, by plugin or distribution.
        only: those that are not; None for all others.
    """

    names: frozenset[str]
    only: frozenset[str] | None

    @classmethod
    def of(cls, words: Iterable[str], environment: Mapping[str, str] = os.environ) -> Blocking:
        """Return the meaning of words such as ``no:lottery`` and of the environment.

        Raises:
            ConfigError: built-in strategies would be blocked.
        """
        names = frozenset(_plain(one.removeprefix(NO)) for one in words if one.startswith(NO))
        if PROJECT in names:
            raise ConfigError("no:evoframe: the strategies that come with evoframe stay loaded.")
        said = environment.get(VARIABLE, "").strip()
        if not said:
            return cls(names, None)
        listed = [] if said == "none" else [one for one in said.split(",") if one.strip()]
        return cls(names, frozenset(_plain(one.strip()) for one in listed))

    def blocks(self, entry: EntryPoint) -> str:
        """Return the reason for which an installed plugin is not to be loaded; empty if it is."""
        called = _called(entry)
        if called & self.names:
            return f"blocked by {NO}{min(called & self.names)}"
        if self.only is not None and not called & self.only:
            return f"not named by {VARIABLE}"
        return ""

    def require_there(self, entries: Iterable[EntryPoint]) -> None:
        """Refuse to go on without a plugin that the environment names.

        Raises:
            ConfigError: it is not installed.
        """
        there = {name for entry in entries for name in _called(entry)}
        if missing := sorted((self.only or frozenset()) - there):
            raise ConfigError(
                f"{VARIABLE} names {missing[0]!r}, which is not installed."
                f"{close_match(missing[0], there)} Installed: {listing(there)}; `none` for none."
            )


def _called(entry: EntryPoint) -> frozenset[str]:
    """Return the names by which people speak of an installed plugin."""
    names = (entry.name, entry.dist.name if entry.dist else "")
    return frozenset(_plain(one) for one in names if one)


def _plain(name: str) -> str:
    """Return a name as package indexes compare them."""
    return re.sub(r"[-_.]+", "-", name.strip()).lower()
