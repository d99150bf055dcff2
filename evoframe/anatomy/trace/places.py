"""Places: which module and which line of somebody's code a forward pass is at."""

from __future__ import annotations

import sys
import traceback
from pathlib import Path
from types import FrameType

import torch
from torch import nn

LIBRARIES = (f"{Path(torch.__file__).parent}/", f"{Path(__file__).parents[2]}/", "<")
"""How the names of files begin whose lines nobody can change."""


def line_reached() -> str:
    """Return the innermost line outside of torch and evoframe, ``file:number``; "" if none is."""
    frame: FrameType | None = sys._getframe()  # noqa: SLF001  as ``inspect`` does, without reading
    while frame is not None and frame.f_code.co_filename.startswith(LIBRARIES):
        frame = frame.f_back
    return f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno}" if frame is not None else ""


def line_of(error: Exception) -> str:
    """Return the innermost line outside of torch and evoframe at which an error was raised."""
    reached = ""
    for frame, number in traceback.walk_tb(error.__traceback__):
        if not (file := frame.f_code.co_filename).startswith(LIBRARIES):
            reached = f"{Path(file).name}:{number}"
    return reached


def module_reached(network: nn.Module) -> str:
    """Return the name of the innermost module of a network that is running; "" for itself."""
    names = {id(module): name for name, module in network.named_modules()}
    # From the caller on: a frame among its own locals would keep the whole stack alive.
    frame: FrameType | None = sys._getframe().f_back  # noqa: SLF001  as above
    while frame is not None:
        if isinstance(module := frame.f_locals.get("self"), nn.Module) and id(module) in names:
            name: str = names[id(module)]
            return name
        frame = frame.f_back
    return ""
