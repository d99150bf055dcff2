"""timm, imported late: evoframe starts and lists this plugin without it."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from evoframe.plugin import ConfigError


def timm() -> Any:
    """Return timm.

    Raises:
        ConfigError: it is not installed, or torchvision was built for another torch.
    """
    try:
        import_module("timm.data")
        return import_module("timm")
    except ImportError as error:
        raise ConfigError(
            f"the package timm is not there, or what it needs ({error}). "
            "Try `pip install evoframe-timm[timm]`."
        ) from error
    except RuntimeError as error:
        if "torchvision" not in str(error):
            raise
        raise ConfigError(
            f"timm cannot be imported, as torchvision does not fit this torch ({error}). Install "
            "both from the same place, as pytorch.org says."
        ) from error


def image() -> Any:
    """Return the module of Pillow that opens pictures."""
    timm()  # which needs it too, and says so
    return import_module("PIL.Image")
