"""The libraries that this plugin is for, imported late: evoframe starts and lists it without."""

from __future__ import annotations

from typing import Any

from evoframe.plugin import library


def needed(module: str) -> Any:
    """Return a module of transformers, or of what it needs to train.

    Raises:
        ConfigError: it is not installed, and how to get it.
    """
    return library(module, "evoframe-transformers[transformers]")
