"""Lightning for evoframe: tasks of LightningModules, ``Trainer`` as training, checkpoints."""

from __future__ import annotations

from evoframe.plugin import hookimpl
from evoframe_lightning.arguments import Arguments as Arguments
from evoframe_lightning.checkpoints import Resizing as Resizing, load as load, save as save
from evoframe_lightning.tasks import LightningTask as LightningTask, task as task
from evoframe_lightning.training import (
    Lightning as Lightning,
    LightningValidated as LightningValidated,
)


@hookimpl
def evoframe_trainings() -> list[type]:
    return [Lightning, LightningValidated]
