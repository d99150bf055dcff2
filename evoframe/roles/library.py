"""Libraries that a strategy is for, imported late: it is listed and described without them."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from evoframe.errors import ConfigError


def library(module: str, install: str) -> Any:
    """Return a module of a library, which is imported now.

    Args:
        module: its name, as in ``transformers.trainer``.
        install: what pip is given where it is missing, as in ``evoframe-transformers[trainer]``.

    Raises:
        ConfigError: it is not installed, and how to get it.
    """
    try:
        return import_module(module)
    except ImportError as error:
        package = module.partition(".")[0].replace("_", "-")
        raise ConfigError(
            f"the package {package} is not there, or what it needs ({error}). "
            f"Try `pip install {install}`."
        ) from error
