"""Ultralytics for evoframe: YOLO networks as tasks, its trainer as training, files for YOLO()."""

from __future__ import annotations

from evoframe.plugin import hookimpl
from evoframe_ultralytics.arguments import Arguments as Arguments
from evoframe_ultralytics.narrow import narrow_trainer as narrow_trainer
from evoframe_ultralytics.saving import save as save
from evoframe_ultralytics.tasks import Detection as Detection
from evoframe_ultralytics.training import Trainer as Trainer


@hookimpl
def evoframe_tasks() -> list[type]:
    return [Detection]


@hookimpl
def evoframe_trainings() -> list[type]:
    return [Trainer]
