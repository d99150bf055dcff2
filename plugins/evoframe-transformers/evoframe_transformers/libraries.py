"""The libraries that this plugin is for, imported late: evoframe starts and lists it without."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from evoframe.plugin import ConfigError


def needed(module: str) -> Any:
    """Return a module of transformers, or of what it needs to train.

    Raises:
        ConfigError: it is not installed, and how to get it.
    """
    try:
        return import_module(module)
    except ImportError as error:
        package = module.partition(".")[0]
        raise ConfigError(
            f"the package {package} is not there ({error}). "
            "Try `pip install evoframe-transformers[transformers]`."
        ) from error
