"""Built-in strategies of the role ``observer``."""

from __future__ import annotations

from evoframe.markers import hookimpl
from evoframe.strategies.observer.console import Console as Console


@hookimpl
def evoframe_observers() -> list[type]:
    """Offer the strategies of this folder."""
    return [Console]
