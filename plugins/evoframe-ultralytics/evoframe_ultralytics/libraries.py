"""Ultralytics, imported late: evoframe starts and lists this plugin without it.

It is asked for nothing that comes from a network, says nothing but errors, and its switches for
determinism are put back.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from evoframe.plugin import ConfigError, library

SWITCHES = ("CUBLAS_WORKSPACE_CONFIG", "PYTHONHASHSEED")
"""What it sets and removes in the environment of the process."""


def needed(module: str) -> Any:
    """Return a module of Ultralytics.

    Raises:
        ConfigError: it is not installed, and how to get it; or torchvision is of another torch.
    """
    try:
        return library(module, "evoframe-ultralytics[ultralytics]")
    except RuntimeError as error:
        if "torchvision" not in str(error):
            raise
        raise ConfigError(
            f"ultralytics cannot be used, as torchvision does not fit this torch ({error}). "
            "Install both from the same place, as pytorch.org says."
        ) from error


@contextmanager
def quiet() -> Iterator[None]:
    """Silence all but errors, and put back what Ultralytics switches, for the length of a block."""
    needed("ultralytics.utils")
    talker = logging.getLogger("ultralytics")
    level, before = talker.level, {name: os.environ.get(name) for name in SWITCHES}
    backends: Any = torch.backends.cudnn
    deterministic, benchmark = backends.deterministic, backends.benchmark
    strict = torch.are_deterministic_algorithms_enabled()
    warned = torch.is_deterministic_algorithms_warn_only_enabled()
    filling: Any = torch.utils.deterministic
    filled = filling.fill_uninitialized_memory
    talker.setLevel(logging.ERROR)
    try:
        yield
    finally:
        talker.setLevel(level)
        backends.deterministic, backends.benchmark = deterministic, benchmark
        torch.use_deterministic_algorithms(strict, warn_only=warned)
        filling.fill_uninitialized_memory = filled
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextmanager
def without_fonts() -> Iterator[None]:
    """Let a check of a data set download no font, as nothing is drawn."""
    utils = needed("ultralytics.data.utils")
    found = utils.check_font
    utils.check_font = lambda *_, **__: None
    try:
        yield
    finally:
        utils.check_font = found


def defaults(**options: Any) -> Any:
    """Return the arguments of Ultralytics, with its defaults for those that are not given."""
    return needed("ultralytics.cfg").get_cfg(overrides={"plots": False, **options})
