"""Lightning, imported late: evoframe starts and lists this plugin without it.

It comes under two names, ``lightning`` and ``pytorch_lightning``, whose classes are not the same.
"""

from __future__ import annotations

from typing import Any

from evoframe.plugin import ConfigError, library

LIBRARIES = ("lightning.pytorch", "pytorch_lightning")
"""Where its classes are; the first is taken where a network says nothing."""


def needed(module: str) -> Any:
    """Return a module of Lightning.

    Raises:
        ConfigError: it is not installed, and how to get it.
    """
    package = module.partition(".")[0].replace("_", "-")
    return library(module, f"evoframe-lightning[{package}]")


def library_of(given: Any) -> str | None:
    """Return the name of the library that a LightningModule or its data are of; None for others."""
    kind = given if isinstance(given, type) else type(given)
    for one in kind.__mro__:
        for name in LIBRARIES:
            ours = one.__module__.startswith(f"{name}.")
            if ours and one.__name__ in ("LightningModule", "LightningDataModule"):
                return name
    return None


def any_library() -> str:
    """Return the name of the library that is installed.

    Raises:
        ConfigError: none is.
    """
    for name in LIBRARIES:
        try:
            needed(name)
        except ConfigError:
            continue
        return name
    needed(LIBRARIES[0])
    return LIBRARIES[0]
