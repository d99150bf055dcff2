"""timm for evoframe: its networks with their data as tasks, and smaller ones that load again."""

from __future__ import annotations

from evoframe.plugin import hookimpl
from evoframe_timm.folders import load as load, save as save
from evoframe_timm.making import task as task
from evoframe_timm.strategy import Timm as Timm


@hookimpl
def evoframe_tasks() -> list[type]:
    return [Timm]
