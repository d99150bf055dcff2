"""Models of transformers for evoframe: tasks of them, ``Trainer`` as training, saved folders."""

from __future__ import annotations

from evoframe.plugin import hookimpl
from evoframe_transformers.arguments import Arguments as Arguments
from evoframe_transformers.making import task as task
from evoframe_transformers.saving import load as load, save as save
from evoframe_transformers.training import Trainer as Trainer


@hookimpl
def evoframe_trainings() -> list[type]:
    return [Trainer]
