"""Lightning, imported late: evoframe starts and lists this plugin without it.

It comes under two names, ``lightning`` and ``pytorch_lightning``, whose classes are not the same.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from evoframe.plugin import ConfigError

LIBRARIES = ("lightning.pytorch", "pytorch_lightning")
"""Where its classes are; the first is taken where a network says nothing."""


def needed(module: str) -> Any:
    """Return a module of Lightning.

    Raises:
        ConfigError: it is not installed, and how to get it.
    """
    try:
        return import_module(module)
    except ImportError as error:
        package = module.partition(".")[0].replace("_", "-")
        raise ConfigError(
            f"the package {package} is not there ({error}). "
            f"Try `pip install evoframe-lightning[{package}]`."
        ) from error


def library_of(given: Any) -> str | None:
    """Return the name of the library that a LightningModule or its data are of; None for others."""
    kind = given if isinstance(given, type) else type(given)
    for one in kind.__mro__:
        for library in LIBRARIES:
            ours = one.__module__.startswith(f"{library}.")
            if ours and one.__name__ in ("LightningModule", "LightningDataModule"):
                return library
    return None


def any_library() -> str:
    """Return the name of the library that is installed.

    Raises:
        ConfigError: none is.
    """
    for library in LIBRARIES:
        try:
            needed(library)
        except ConfigError:
            continue
        return library
    needed(LIBRARIES[0])
    return LIBRARIES[0]
