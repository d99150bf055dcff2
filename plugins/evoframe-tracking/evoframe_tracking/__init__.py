"""TensorBoard and MLflow as observers of an evolution, named in a recipe."""

from __future__ import annotations

from evoframe.plugin import hookimpl
from evoframe_tracking.mlflow import MLflow as MLflow
from evoframe_tracking.tensorboard import TensorBoard as TensorBoard


@hookimpl
def evoframe_observers() -> list[type]:
    return [TensorBoard, MLflow]
