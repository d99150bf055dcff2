"""Built-in strategies of the role ``executor``."""

from __future__ import annotations

from evoframe.markers import hookimpl
from evoframe.strategies.executor.processes import Processes as Processes
from evoframe.strategies.executor.serial import Serial as Serial


@hookimpl
def evoframe_executors() -> list[type]:
    """Offer the strategies of this folder."""
    return [Processes, Serial]
