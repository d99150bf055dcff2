"""Built-in strategies of the role ``task``."""

from __future__ import annotations

from evoframe.markers import hookimpl
from evoframe.strategies.task.lenets import Lenet5Caffe as Lenet5Caffe, Lenet300100 as Lenet300100
from evoframe.strategies.task.mnist import Mnist as Mnist
from evoframe.strategies.task.saliency import Saliency as Saliency


@hookimpl
def evoframe_tasks() -> list[type]:
    """Offer the strategies of this folder."""
    return [Mnist, Lenet300100, Lenet5Caffe, Saliency]
