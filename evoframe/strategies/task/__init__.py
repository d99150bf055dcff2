"""Built-in strategies of the role ``task``."""

from __future__ import annotations

from evoframe.markers import hookimpl
from evoframe.strategies.task.mnist import Mnist as Mnist


@hookimpl
def evoframe_tasks() -> list[type]:
    """Offer the strategies of this folder."""
    return [Mnist]
